"""Passwords of users whom an operator added in the console were written into the audit log; they go."""

from django.db import migrations

FORGET = """
UPDATE accounts_auditentry SET detail = detail #- '{new,password1}' #- '{new,password2}'
WHERE action = 'user.created' AND detail -> 'new' ?| ARRAY['password1', 'password2']
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_audit_lists")]
    operations = [migrations.RunSQL(FORGET, migrations.RunSQL.noop)]
