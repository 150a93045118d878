# One image for web, stream, workers, beat and migrations: they differ in their command alone.
FROM python:3.13-slim AS environment

COPY requirements/base.txt /requirements.txt
# Only wheels: nothing is compiled here, so no compiler is needed, and no package runs code of its own.
RUN python3 -m venv --without-pip /venv \
 && python3 -m pip --python /venv/bin/python --disable-pip-version-check \
    install --no-cache-dir --only-binary :all: --require-hashes -r /requirements.txt


FROM python:3.13-slim

ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=hypervisor.settings \
    GRANIAN_WORKERS=2 \
    GRANIAN_BLOCKING_THREADS=3
RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin hypervisor
COPY --from=environment /venv /venv
WORKDIR /app
COPY . .
# Collecting serves nothing and signs nothing: it needs no secret.
RUN python -m compileall -q . && python manage.py collectstatic --noinput
USER 10001

EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["granian", "--interface=wsgi", "--host=0.0.0.0", "--port=8000", \
     "--respawn-failed-workers", "--workers-kill-timeout=5", "--no-ws", "hypervisor.wsgi:application"]
