"""A new password or another activity raises `session_version`, whoever writes it: service, console, shell or SQL."""

from django.db import migrations

FORWARDS = """
CREATE FUNCTION accounts_user_session_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Never back: a full save of an old copy of the row must not revive ended sessions.
    NEW.session_version := GREATEST(NEW.session_version, OLD.session_version);
    IF NEW.password IS DISTINCT FROM OLD.password OR NEW.is_active IS DISTINCT FROM OLD.is_active THEN
        NEW.session_version := GREATEST(NEW.session_version, OLD.session_version + 1);
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER session_version_follows BEFORE UPDATE ON accounts_user
    FOR EACH ROW EXECUTE FUNCTION accounts_user_session_version();
"""
BACKWARDS = """
DROP TRIGGER session_version_follows ON accounts_user;
DROP FUNCTION accounts_user_session_version();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
