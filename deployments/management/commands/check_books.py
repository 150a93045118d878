"""`manage.py check_books`: compare what the clusters' rows say is allocated with what their runs hold."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from deployments.books import Difference, differences_between_books_and_runs


class Command(BaseCommand):
    help = "Compare each cluster's books with its runs. Prints `0 differences`, or a table and exits with 1."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print what was found; exit with 1 if anything was."""
        found = differences_between_books_and_runs()
        if found:
            for row in (Difference._fields, *found):
                self.stdout.write("  ".join(f"{cell!s:>11}" for cell in row))
        self.stdout.write(f"{len(found)} difference{'' if len(found) == 1 else 's'}")
        if found:
            sys.exit(1)
