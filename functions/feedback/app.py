"""好差评 and 差评整改: the applicant rates a closed case; the department puts right what was bad."""

from typing import Any

from liangwang import wiring
from liangwang.http import Route, Routes, serve
from liangwang.services.ratings import Confirmation, Rate, RatingList, RatingSummary, RatingView
from liangwang.services.rectifications import RectificationList, RectificationView, Respond

ratings, rectifications = wiring.feedback()

ROUTES: Routes = {
    "POST /api/applications/{case_no}/rating": Route(
        ratings.rate, "Rate a closed case, once", "application.rate", body=Rate, status=201, result=RatingView
    ),
    "GET /api/applications/{case_no}/rating": Route(
        ratings.own, "My rating and what became of it", "application.read", result=RatingView
    ),
    "POST /api/applications/{case_no}/rating/confirmation": Route(
        ratings.confirm,
        "Say whether the response to a bad rating satisfies",
        "application.rate",
        body=Confirmation,
        result=RatingView,
    ),
    "GET /api/ratings": Route(ratings.page, "A department's ratings of a month", "rating.list", result=RatingList),
    "GET /api/ratings/summary": Route(
        ratings.summary, "Counts by code, department and item", "rating.summarise", result=RatingSummary
    ),
    "GET /api/rectifications": Route(
        rectifications.outstanding, "What still has to be put right", "rectification.list", result=RectificationList
    ),
    "GET /api/rectifications/{case_no}": Route(
        rectifications.rectification, "One rectification", "rectification.read", result=RectificationView
    ),
    "POST /api/rectifications/{case_no}/response": Route(
        rectifications.respond,
        "Say what was put right",
        "rectification.respond",
        body=Respond,
        result=RectificationView,
    ),
}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """HTTP in, HTTP out."""
    return serve(ROUTES, event, function="feedback")
