"""The page that a run is linked to: what the pipeline says, where it is an address that may stand in a link."""

import re

import pytest
from support.sample_results import run

from harness.records.results import LONGEST_URL, PIPELINE_URL
from harness.session.finish_run import pipeline_url

GITHUB = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "owner/project.x", "GITHUB_RUN_ID": "12345"}
PAGE = "https://github.com/owner/project.x/actions/runs/12345#artifacts"


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        (GITHUB, PAGE),
        (
            {"CI_JOB_URL": "https://gitlab.example:8443/a/b/-/jobs/7"},
            "https://gitlab.example:8443/a/b/-/jobs/7/artifacts/browse",
        ),
        ({}, None),
        ({**GITHUB, "GITHUB_RUN_ID": ""}, None),
        ({**GITHUB, "GITHUB_REPOSITORY": "a/b) [click](javascript:x"}, None),
        ({**GITHUB, "GITHUB_SERVER_URL": "javascript://x"}, None),
        ({**GITHUB, "GITHUB_SERVER_URL": "https://user:word@github.com"}, None),
        ({**GITHUB, "GITHUB_RUN_ID": "1\n"}, None),
        ({**GITHUB, "GITHUB_REPOSITORY": "a" * LONGEST_URL}, None),
    ],
)
def test_what_a_pipeline_says_is_kept_where_it_may_be_linked_to(environment, url):
    assert pipeline_url(environment) == url


@pytest.mark.parametrize(
    "url", ["https://a.b/c)d", "https://a.b/c d", "https://a.b/c\n", "//a.b", "https://a.b/<x>", "https://a.b/?q"]
)
def test_no_results_file_has_another(url):
    assert not re.fullmatch(PIPELINE_URL, url)
    with pytest.raises(ValueError, match="pipeline_url"):
        type(run()).model_validate(run().model_dump() | {"pipeline_url": url}, strict=False)
    assert type(run()).model_validate(run().model_dump() | {"pipeline_url": PAGE}, strict=False).pipeline_url == PAGE
