"""The synchronous details query: the fresh tail, in small buckets.

Belongs here: one page of a query. Elsewhere: which buckets (extraction/), jobs (details.py).
"""

from __future__ import annotations

from aggregation_platform.genesys.api import Api, Call
from aggregation_platform.genesys.details import DetailsPage, read_page
from aggregation_platform.intervals import Interval

QUERY = "/api/v2/analytics/conversations/details/query"
LARGEST_PAGE = 100


def query_page(
    api: Api, interval: Interval, *, page_number: int, page_size: int = LARGEST_PAGE
) -> DetailsPage:
    """Fetch one page (from 1) of the conversations that started on a day the interval touches.

    Past the end a page has no conversations. Pages may overlap while data arrives.

    Raises:
        QueryTooLargeError: If the interval is too long or the page too deep.
    """
    body = {
        "interval": str(interval),
        "order": "asc",
        "orderBy": "conversationStart",
        "paging": {"pageSize": page_size, "pageNumber": page_number},
    }
    return api.call(Call("POST", QUERY, body=body), read_page)
