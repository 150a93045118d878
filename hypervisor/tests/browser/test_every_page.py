"""Every page of the sidebar and one of each kind below it, in light and dark, on a screen and on a phone."""

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.processes]
ROW = "#result_list tbody tr th a[href], #result_list tbody tr td a[href]"
"""The first link of a list's first row leads to the row's own page."""


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_can_be_read_by_everybody_and_fails_at_nothing(visitor, theme, width):
    operator = visitor(theme=theme, width=width)
    lists = operator.pages()
    assert "/admin/deployments/deployment/" in lists, lists
    for path in lists:
        operator.visit(path)
        first = operator.page.locator(ROW).first
        if first.count():
            operator.visit(first.get_attribute("href").removeprefix(operator.address))


@pytest.mark.parametrize("width", [1280, 390])
def test_pages_and_forms_of_clusters_and_deployments_fit_their_width(visitor, filled, width):
    operator = visitor(width=width)
    operator.visit(f"/admin/clusters/cluster/{filled.cluster}/change/")
    operator.visit(f"/admin/deployments/deployment/{filled.talker}/change/")
    operator.visit("/admin/clusters/cluster/add/")
    operator.visit("/admin/deployments/deployment/?status__exact=failed&q=nobody-has-this")
