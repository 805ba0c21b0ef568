"""The list of known members against the official SDK's own models."""

from importlib import import_module
from typing import Any

import pytest

from aggregation_platform.facts import tables
from aggregation_platform.facts.fields import (
    FLOW,
    METRIC,
    PARTICIPANT,
    RECORD,
    SEGMENT,
    SESSION,
    Level,
)

sdk: Any = import_module("PureCloudPlatformClientV2")  # it has no types

MODELS = {
    "record": (RECORD, sdk.AnalyticsConversation),
    "participant": (PARTICIPANT, sdk.AnalyticsParticipant),
    "session": (SESSION, sdk.AnalyticsSession),
    "flow": (FLOW, sdk.AnalyticsFlow),
    "segment": (SEGMENT, sdk.AnalyticsConversationSegment),
    "metric": (METRIC, sdk.AnalyticsSessionMetric),
}


@pytest.mark.parametrize("name", MODELS)
def test_every_member_of_the_sdks_model_is_known_and_no_other(name):
    level, model = MODELS[name]

    assert level.known == set(model().attribute_map.values())


@pytest.mark.parametrize("name", MODELS)
def test_no_member_is_both_typed_and_left_in_raw(name):
    level: Level = MODELS[name][0]
    typed = {field.key for field in level.fields} | level.children

    assert not typed & level.left_in_raw


@pytest.mark.parametrize(
    ("levels", "table"),
    [
        ((RECORD,), tables.CONVERSATIONS),
        ((PARTICIPANT, SESSION, FLOW), tables.SESSIONS),
        ((SEGMENT,), tables.SEGMENTS),
    ],
)
def test_every_typed_member_has_its_column(levels, table):
    columns = {field.column for level in levels for field in level.fields}

    assert columns <= set(table.frame_schema)
