"""`manage.py first_admin`: the console's first user, for installations that nobody sits in front of."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from hypervisor.first_admin import AdminRefused, make_first_admin


class Command(BaseCommand):
    """Safe to run at every start: whoever is there already is left alone, the password too."""

    help = "Makes the first superuser as DJANGO_SUPERUSER_USERNAME, _PASSWORD and _EMAIL say, unless there is one."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            admin = make_first_admin()
        except AdminRefused as error:
            raise CommandError(str(error)) from error
        if admin:
            self.stdout.write(f"The console's first admin is {admin.name}.")
        else:
            self.stdout.write(
                "No admin was made: there is one already, or DJANGO_SUPERUSER_PASSWORD is not set "
                "(then: manage.py createsuperuser)."
            )
