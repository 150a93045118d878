"""The state table as a trigger of the test database: whatever writes a move that is not in it, fails."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from deployments.states import MOVES

MAKE = """
CREATE FUNCTION refuse_illegal_move() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'pending' THEN RAISE EXCEPTION 'illegal move: new → %%', NEW.status; END IF;
    ELSIF OLD.status <> NEW.status AND NOT OLD.status || '>' || NEW.status = ANY (ARRAY[{moves}]) THEN
        RAISE EXCEPTION 'illegal move: %% → %%', OLD.status, NEW.status;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER only_legal_moves BEFORE INSERT OR UPDATE ON deployments_deployment
    FOR EACH ROW EXECUTE FUNCTION refuse_illegal_move();
"""


@contextmanager
def illegal_moves_refused() -> Iterator[None]:
    """Until the block ends, an UPDATE that makes an illegal move raises IntegrityError or InternalError."""
    moves = ", ".join(f"'{old}>{new}'" for old, targets in MOVES.items() for new in sorted(targets))
    with connection.cursor() as cursor:
        cursor.execute(MAKE.format(moves=moves).replace("%%", "%"))
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION refuse_illegal_move() CASCADE")
