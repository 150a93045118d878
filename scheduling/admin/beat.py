"""Beat's schedule, in the console's dress. An edited interval stays until the environment names another one."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import HttpRequest
from django_celery_beat import admin as beat_admin
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)
from unfold.admin import TabularInline
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from accounts.admin.base import ConsoleAdmin
from accounts.admin.display import ago
from scheduling.beat import seeds

for model in (PeriodicTask, IntervalSchedule, CrontabSchedule, ClockedSchedule, SolarSchedule):
    admin.site.unregister(model)


class TaskWidget(UnfoldAdminSelectWidget, beat_admin.TaskSelectWidget):
    """The tasks that the workers know."""


class TaskForm(beat_admin.PeriodicTaskForm):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["task"].widget = UnfoldAdminTextInputWidget()
        self.fields["regtask"].widget = TaskWidget()


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(beat_admin.PeriodicTaskAdmin, ConsoleAdmin):
    form = TaskForm
    date_hierarchy = None
    columns = ["name", "enabled", "scheduler", "last_run", "description"]
    list_filter = ["enabled", "one_off"]

    @display(description="last noted run", ordering="last_run_at")
    def last_run(self, task: Any) -> Any:
        return ago(task.last_run_at)

    def response_action(self, request: HttpRequest, queryset: Any) -> Any:
        # Beat's own actions write without a word; the audit log gets theirs here.
        names = {name for name, *_ in self.get_action_choices(request, [])} - {""}
        chosen = request.POST.get("action", "")
        if chosen in names:
            ticked = queryset.filter(pk__in=request.POST.getlist(ACTION_CHECKBOX_NAME))
            for task in queryset if request.POST.get("select_across") == "1" else ticked:
                self.record(request, chosen, task, {})
        return super().response_action(request, queryset)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Without these the service does nothing; who wants that disables them, which beat can undo.
        return super().has_delete_permission(request, obj) and (obj is None or obj.name not in seeds())


class TaskInline(TabularInline, beat_admin.PeriodicTaskInline):
    """The tasks of a schedule."""


class ScheduleAdmin(ConsoleAdmin):
    inlines = [TaskInline]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Deleting a schedule deletes its tasks with it.
        return super().has_delete_permission(request, obj) and (
            obj is None or not obj.periodictask_set.exists()
        )


@admin.register(IntervalSchedule)
class IntervalScheduleAdmin(ScheduleAdmin):
    list_display = ("__str__", "every", "period")


@admin.register(CrontabSchedule)
class CrontabScheduleAdmin(beat_admin.CrontabScheduleAdmin, ScheduleAdmin):
    inlines = [TaskInline]


@admin.register(ClockedSchedule)
class ClockedScheduleAdmin(ScheduleAdmin):
    list_display = ("clocked_time",)
