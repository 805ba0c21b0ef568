"""The demo as a person meets it: a real daemon, a real browser. Pictures go to build/pictures."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from aggregation_platform_tests.dagster_server import (
    answers,
    backfill_status,
    graphql,
    launch_backfill,
    until,
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(1800),
]
ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "build" / "pictures"
COMMAND = Path(sys.executable).with_name("aggregation-platform")


@dataclass
class Demo:
    url: str
    said: Path


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("demo")
    said = folder / "said.txt"
    with said.open("w") as output:
        process = subprocess.Popen(
            [
                str(COMMAND),
                "demo",
                "--conversations-per-day",
                "150",
                "--port",
                "3210",
                "--folder",
                str(folder / "demo"),
            ],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
        )
    try:
        url = _url_in(said, process)
        yield Demo(url, said)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)


def _url_in(said: Path, process: "subprocess.Popen[bytes]") -> str:
    """Wait until the UI answers."""
    for _ in range(3600):
        assert process.poll() is None, said.read_text()
        found = re.search(r"Dagster UI: (http://\S+)", said.read_text())
        if found and answers(found[1]):
            return found[1]
        time.sleep(0.25)
    raise AssertionError(said.read_text())


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in (
        *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
        *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
        *("--window-size=1500,1500", "--hide-scrollbars"),
        f"--user-data-dir={tmp_path_factory.mktemp('chromium')}",
    ):
        options.add_argument(argument)
    driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    try:
        yield driver
    finally:
        driver.quit()


def shows(browser: webdriver.Chrome, text: str, within_s: float = 180) -> None:
    WebDriverWait(browser, within_s).until(
        lambda found: text in found.find_element(By.TAG_NAME, "body").text
    )


def picture(browser: webdriver.Chrome, name: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    assert browser.save_screenshot(str(PICTURES / f"{name}.png"))


def test_the_demo_prints_every_orgs_aht_and_that_it_is_the_truth(demo: Demo):
    said = demo.said.read_text()

    assert re.search(r"All organizations +\d+:\d\d ", said)
    assert "Equal to the simulator's truth, to the millisecond" in said


def test_every_partition_is_filled(demo: Demo, browser: webdriver.Chrome):
    """Three organizations by two days; the running day comes by itself, through the sensors."""
    browser.get(f"{demo.url}/assets/raw/conversations?view=partitions")
    shows(browser, "Materialized (9)", within_s=600)
    shows(browser, "Missing (0)")
    picture(browser, "partitions")

    browser.get(f"{demo.url}/assets/rollups/handle_time?view=partitions")
    shows(browser, "Materialized (3)", within_s=600)


def test_the_answer_stays_in_sight_while_dagster_works(demo: Demo):
    *_, last = demo.said.read_text().splitlines()

    assert last.startswith("What Dagster says meanwhile goes to ")
    assert "RUN_SUCCESS" in Path(last.split()[-1]).read_text()


def test_the_asset_graph_shows_the_way_of_the_data(demo: Demo, browser: webdriver.Chrome):
    browser.get(f"{demo.url}/asset-groups")
    for layer in ("directory", "raw", "facts", "identity", "journeys", "rollups"):
        shows(browser, layer)

    picture(browser, "asset-graph")


def test_a_rollups_page_shows_aht_by_org_and_a_plot_of_the_day(
    demo: Demo, browser: webdriver.Chrome
):
    day = _some_partition(demo).partition("|")[0]
    browser.get(f"{demo.url}/assets/rollups/handle_time?view=partitions&partition={day}")
    shows(browser, "No organization is missing.")
    assert is_drawn(browser, "img[src^='data:image/svg']")
    picture(browser, "rollup")
    shows(browser, "aht_by_org")
    for org in ("us", "emea", "apac"):
        shows(browser, org)
    browser.find_element(By.XPATH, "//*[text()='[Show Markdown]']").click()

    assert is_drawn(browser, "img[src^='data:image/png']")
    picture(browser, "course-of-the-day")


def is_drawn(browser: webdriver.Chrome, selector: str) -> bool:
    """Wait until the picture is there and its pixels are."""
    drawn = "return arguments[0].complete && arguments[0].naturalWidth > 300"
    found = WebDriverWait(browser, 30).until(
        lambda page: page.find_element(By.CSS_SELECTOR, selector)
    )
    return WebDriverWait(browser, 30).until(lambda page: page.execute_script(drawn, found))


def test_the_plots_of_a_rollup_are_aht_over_days(demo: Demo, browser: webdriver.Chrome):
    browser.get(f"{demo.url}/assets/rollups/handle_time?view=overview")
    shows(browser, "aht_by_org")
    browser.find_element(By.XPATH, "//button[normalize-space()='Plots']").click()

    shows(browser, "aht_seconds_apac")
    picture(browser, "plots")
    shown = browser.find_element(By.TAG_NAME, "body").text
    assert [name for name in ("bytes", "partition_row_count") if name in shown] == []


PARTITION = """
query ($key: AssetKeyInput!, $partition: String!) {
  assetNodeOrError(assetKey: $key) {
    ... on AssetNode { assetMaterializations(partitions: [$partition], limit: 5) { runId } }
  }
}
"""


def test_the_daemon_backfills_partitions_again_when_asked(demo: Demo):
    key = {"path": ["facts", "session_metrics"]}
    partition = _some_partition(demo)
    before = _runs_of(demo, key, partition)

    backfill = launch_backfill(demo.url, [partition])
    going_on = ("REQUESTED", "COMPLETING")
    until(lambda: backfill_status(demo.url, backfill) not in going_on, within_s=600)

    assert backfill_status(demo.url, backfill) == "COMPLETED_SUCCESS"
    assert len(_runs_of(demo, key, partition)) == len(before) + 1


def _some_partition(demo: Demo) -> str:
    keys = graphql(
        demo.url,
        '{ assetNodeOrError(assetKey: {path: ["raw", "conversations"]}) {'
        " ... on AssetNode { partitionKeys } } }",
    )["assetNodeOrError"]["partitionKeys"]
    return keys[0]


def _runs_of(demo: Demo, key: dict[str, Any], partition: str) -> list[str]:
    node = graphql(demo.url, PARTITION, key=key, partition=partition)["assetNodeOrError"]
    return [event["runId"] for event in node["assetMaterializations"]]
