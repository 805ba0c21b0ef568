"""Which line reached which call, where several may have."""

CALLER = "tel:+15551234567"
DESK = "tel:+445550000012"
TRUNK = "tel:+15550000001"


def reviewed(linked):
    """Return what is kept apart: reason, and the two by name."""
    return linked.reviews.select("reason", "conversation_id", "other_conversation_id").rows()


def test_a_line_that_had_already_ended_reached_nobody(calls):
    calls.call("us", "a", "10:00:00", ani=CALLER)
    calls.dials("us", "a", "10:04:00", number=DESK, shows=TRUNK, minutes=5 / 60)
    calls.call("emea", "later", "10:04:08", minutes=9, ani="tel:anonymous", dnis=DESK)

    linked = calls.linked()
    assert linked.links.is_empty()
    assert linked.reviews.is_empty()


def test_a_line_that_ended_as_the_call_began_may_have_reached_it(calls):
    calls.call("us", "a", "10:00:00", ani=CALLER)
    calls.dials("us", "a", "10:04:00", number=DESK, shows=TRUNK, minutes=5 / 60)
    calls.call("emea", "b", "10:04:07", minutes=1, ani=TRUNK, dnis=DESK)

    assert calls.contacts() == ["us:a > emea:b by transfer_leg"]


def test_a_call_that_only_one_line_can_have_reached_leaves_the_other_call_to_the_other_line(calls):
    calls.call("us", "a", "10:00:00", ani=CALLER).call("us", "c", "10:00:30", ani="+15557654321")
    calls.dials("us", "a", "10:04:00", number=DESK, shows=TRUNK)
    calls.dials("us", "c", "10:04:06", number=DESK, shows=TRUNK)
    calls.call("emea", "b", "10:04:02", minutes=8, ani=TRUNK, dnis=DESK)
    calls.call("emea", "d", "10:04:09", minutes=9, ani=TRUNK, dnis=DESK)

    assert calls.contacts() == [
        "us:a > emea:b by transfer_leg",
        "us:c > emea:d by transfer_leg",
    ]
    assert reviewed(calls.linked()) == [("ruled_out", "a", "d")]


def test_elimination_goes_on_until_nothing_is_left_to_rule_out(calls):
    for place in range(4):
        calls.call("us", f"a{place}", f"10:00:0{place}", ani=f"+1555123456{place}")
        calls.dials("us", f"a{place}", f"10:04:{10 + 5 * place}", number=DESK, shows=TRUNK)
        at = f"10:04:{12 + 5 * place}"
        calls.call("emea", f"b{place}", at, minutes=8 + place, ani=TRUNK, dnis=DESK)

    assert calls.contacts() == [
        f"us:a{place} > emea:b{place} by transfer_leg" for place in range(4)
    ]


def test_two_lines_that_both_fit_both_calls_are_all_kept_apart_for_review(calls):
    calls.call("us", "a", "10:00:00", ani=CALLER).call("us", "c", "10:00:30", ani="+15557654321")
    calls.dials("us", "a", "10:04:00", number=DESK, shows=TRUNK)
    calls.dials("us", "c", "10:04:01", number=DESK, shows=TRUNK)
    calls.call("emea", "b", "10:04:03", minutes=8, ani=TRUNK, dnis=DESK)
    calls.call("emea", "d", "10:04:04", minutes=9, ani=TRUNK, dnis=DESK)

    assert calls.contacts() == []
    assert reviewed(calls.linked()) == [
        ("ambiguous", "a", "b"),
        ("ambiguous", "a", "d"),
        ("ambiguous", "c", "b"),
        ("ambiguous", "c", "d"),
    ]


def test_a_call_too_many_is_not_forced_on_anybody(calls):
    calls.call("us", "a", "10:00:00", ani=CALLER).call("us", "c", "10:00:30", ani="+15557654321")
    calls.dials("us", "a", "10:04:00", number=DESK, shows=TRUNK)
    calls.dials("us", "c", "10:04:08", number=DESK, shows=TRUNK)
    for name, at in (("b", "10:04:02"), ("d", "10:04:09"), ("e", "10:04:12")):
        calls.call("emea", name, at, minutes=8, ani=TRUNK, dnis=DESK)

    assert calls.contacts() == []
    assert {reason for reason, _, _ in reviewed(calls.linked())} == {"ambiguous"}


def test_a_pair_that_a_key_joins_leaves_the_other_call_to_the_other_line(calls):
    key = "00FA0812345678ABCDEF01"
    calls.call("us", "a", "10:00:00", ani=CALLER, key=key)
    calls.call("us", "c", "10:00:30", ani="+15557654321")
    calls.dials("us", "a", "10:04:00", number=DESK, shows=TRUNK)
    calls.dials("us", "c", "10:04:01", number=DESK, shows=TRUNK)
    calls.call("emea", "b", "10:04:03", minutes=8, ani=TRUNK, dnis=DESK)
    calls.call("emea", "d", "10:04:04", minutes=9, ani=TRUNK, dnis=DESK, key=key)

    assert calls.contacts() == [
        "us:a > emea:d by correlation",
        "us:c > emea:b by transfer_leg",
    ]
