"""SVC: the list of service items is the acceptance system's, whatever its length."""

from __future__ import annotations

from conformance.bench.case import case
from conformance.bench.stage import Stage
from conformance.suites import steps


@case(
    "svc.list-sizes",
    "事项清单随系统变化（0、1、132、191、500 项）",
    "the list follows the system: 0, 1, 132, 191, 500 items",
    roles="catalogue.list config.push",
    verbs="screen",
)
async def list_sizes(stage: Stage) -> None:
    """The city announces a new list five times; a good device fetches and shows each."""
    try:
        for count in (0, 1, 132, 191, 500):
            mark = stage.now()
            stage.city.set_items(count)
            await stage.reply(stage.city.push_config())
            request = await stage.expect("catalogue.list", timer="T-SHOW", after=mark)
            await stage.wait(lambda e, r=request: e.request is r, timer="T-ACK", after=mark, what="the list")  # type: ignore[misc]
            await steps.shown(stage, f"共 {count} 项", items_expected=count)
    finally:
        stage.city.set_items(None)
        await stage.reply(stage.city.push_config())
