"""The mapping rules: what a correct file means, and why a wrong one is refused as a whole."""

from __future__ import annotations

from datetime import date

import pytest

from aggregation_platform.config.models import RulesConfig
from aggregation_platform.config.rules import (
    FOR_EVER,
    SINCE_EVER,
    AgentRule,
    QueueRule,
    Rules,
    load_rules,
)
from aggregation_platform.errors import ConfigurationError

ORGS = ("us", "emea")


@pytest.fixture
def queues(tmp_path):
    def load(text):
        (tmp_path / "queues.csv").write_text(text)
        return load_rules(RulesConfig(queues=tmp_path / "queues.csv"), ORGS).queues

    return load


@pytest.fixture
def agents(tmp_path):
    def load(text):
        (tmp_path / "agents.csv").write_text(text)
        return load_rules(RulesConfig(agents=tmp_path / "agents.csv"), ORGS).agents

    return load


def refusals(load, text):
    with pytest.raises(ConfigurationError) as refused:
        load(text)
    return [line.partition(".csv: ")[2] for line in str(refused.value).splitlines()]


def test_a_rule_without_dates_holds_for_ever(queues):
    assert queues("org,queue,global_queue\nus,Sales_Support,Sales\n") == (
        QueueRule("us", "Sales_Support", "Sales", SINCE_EVER, FOR_EVER, line=2),
    )


def test_a_rule_holds_from_a_day_until_before_a_day_and_another_may_follow_at_once(queues):
    rules = queues(
        "org,queue,global_queue,valid_from,valid_to\n"
        "us,Sales,Old,,2026-02-01\n"
        '"us","Sales","New, better",2026-02-01,\n'
    )

    assert [(rule.global_queue, rule.valid_from, rule.valid_to) for rule in rules] == [
        ("Old", SINCE_EVER, date(2026, 2, 1)),
        ("New, better", date(2026, 2, 1), FOR_EVER),
    ]


def test_the_same_queue_name_in_two_orgs_is_two_queues(queues):
    rules = queues("org,queue,global_queue\nus,Sales,A\nemea,Sales,B\n")

    assert [rule.global_queue for rule in rules] == ["A", "B"]


def test_an_agent_is_named_by_id_or_by_address_in_any_case(agents):
    rules = agents(
        "org,user_id,email,global_agent_id\nus,u-1,,ann\nemea,,Ann.Lee@Example.com,ann\n"
    )

    assert [(rule.user_id, rule.email) for rule in rules] == [
        ("u-1", None),
        (None, "ann.lee@example.com"),
    ]


def test_an_address_is_in_no_repr():
    rule = AgentRule("us", None, "ann@example.com", "ann", SINCE_EVER, FOR_EVER, line=2)

    assert "example.com" not in repr(rule)


def test_no_paths_no_rules():
    assert load_rules(RulesConfig(), ORGS) == Rules()


def test_a_missing_file_is_a_clear_error(tmp_path):
    with pytest.raises(ConfigurationError, match=r"gone\.csv: there is no such file"):
        load_rules(RulesConfig(queues=tmp_path / "gone.csv"), ORGS)


def test_equal_files_have_equal_versions_and_a_change_another(tmp_path):
    def version(text):
        (tmp_path / "q.csv").write_text(text)
        return load_rules(RulesConfig(queues=tmp_path / "q.csv"), ORGS).version

    first = version("org,queue,global_queue\nus,Sales,A\n")

    assert version("org,queue,global_queue\nus,Sales,A\n") == first
    assert version("org,queue,global_queue\nus,Sales,B\n") != first


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "org,queue,global_queue\nus,A,A\nemae,B,B\n",
            "line 3: unknown org emae; did you mean emea?",
        ),
        (
            "org,queue,global_queue\nus,A,A\nus,B,B\n\nus,A,C\n",
            "line 5: queue A of us is mapped twice, also in line 2; keep one, or give both dates",
        ),
        (
            (
                "org,queue,global_queue,valid_from,valid_to\n"
                "us,A,A,2026-01-01,2026-03-01\nus,A,B,2026-02-28,\n"
            ),
            (
                "line 3: queue A of us has dates that overlap those of line 2; "
                "end one (valid_to) where the other begins"
            ),
        ),
        (
            (
                "org,queue,global_queue,valid_from,valid_to\n"
                "us,A,A,2026-01-01,2026-12-31\nus,A,B,2026-02-01,2026-02-02\n"
                "us,A,C,2026-03-01,2026-03-02\n"
            ),
            (
                "line 3: queue A of us has dates that overlap those of line 2; "
                "end one (valid_to) where the other begins"
            ),
        ),
        (
            "org,queue,global_queue,valid_from,valid_to\nus,A,A,2026-02-01,2026-02-01\n",
            (
                "line 2: valid_to 2026-02-01 is not after valid_from 2026-02-01; "
                "valid_to is the first day on which the rule no longer holds"
            ),
        ),
        (
            "org,queue,global_queue,valid_from\nus,A,A,1.2.2026\n",
            "line 2: valid_from 1.2.2026 is not a day; write yyyy-mm-dd",
        ),
        (
            "org,queue,global_queue\nus,,A\n",
            "line 2: queue is empty; fill it or remove the line",
        ),
        (
            "org,queue,global_queue\nus,A,(none)\n",
            "line 2: global_queue (none) is a reserved word; choose another name",
        ),
        (
            "org,queue\nus,A\n",
            (
                "line 1: column global_queue is missing; the first line names the columns: "
                "org, queue, global_queue, valid_from, valid_to."
            ),
        ),
        (
            "org,queue,global_que\nus,A,B\n",
            "line 1: unknown column global_que; did you mean global_queue?",
        ),
        (
            "org,queue,global_queue\nus,A,B,C\n",
            "line 2: 4 values for 3 columns; put a value that holds a comma in double quotes.",
        ),
        (
            "",
            (
                "line 1: column org is missing; the first line names the columns: "
                "org, queue, global_queue, valid_from, valid_to."
            ),
        ),
    ],
)
def test_a_wrong_line_is_refused_with_its_number_and_reason(queues, text, reason):
    assert refusals(queues, text)[0] == reason


def test_an_agent_line_needs_exactly_one_of_id_and_address(agents):
    text = "org,user_id,email,global_agent_id\nus,,,ann\nus,u,a@b.c,ann\nus,,ann,ann\n"

    assert refusals(agents, text) == [
        "line 2: fill either user_id or email, not both and not neither",
        "line 3: fill either user_id or email, not both and not neither",
        "line 4: email is not an address; write name@host, or use user_id",
    ]


def test_a_refusal_does_not_show_an_address(agents):
    text = "org,email,global_agent_id\nus,ann@example.com,a\nus,ANN@example.com,b\n"

    assert refusals(agents, text) == [
        "line 3: this agent of us is mapped twice, also in line 2; keep one, or give both dates"
    ]


def test_a_file_wrong_in_every_line_is_not_recited_whole(queues):
    text = "org,queue,global_queue\n" + "".join(f"xx,q{n},g\n" for n in range(50))

    lines = refusals(queues, text)

    assert len(lines) == 21
    assert lines[-1] == "and 30 more lines like these"
