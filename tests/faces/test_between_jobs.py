"""Two jobs of a pipeline in one checkout, which is wiped between them: the second finds the first one's history."""

from support.user_folder import Place

GIT = ("git", "-c", "user.name=nobody", "-c", "user.email=nobody@localhost")


def test_the_second_job_finds_the_history_of_the_first(place: Place) -> None:
    place.benchmark('model_size="1 MB"')
    for line in (("init", "--quiet", "--initial-branch=main"), ("add", "."), ("commit", "--quiet", "-m", "first")):
        assert place.run(*GIT, *line).code == 0
    user = {"XDG_CACHE_HOME": f"{place.folder}-cache", "XDG_DATA_HOME": f"{place.folder}-data"}
    for _ in range(2):
        assert place.run(*GIT, "clean", "-ffdx").code == 0
        assert not (place.folder / "reports").exists()
        said = place.pytest("--device=local", **user)
        assert said.code == 0, said.text
        assert not (place.folder / "reports/history.db").exists()
    results = place.results()
    assert any(note.startswith("attempt 2 at commit ") for note in results["run"]["notes"])
    assert {len(series["points"]) for series in results["history"]} == {2}
    assert place.run(*GIT, "clean", "-ffdx").code == 0
    told = place.harness("history", "--metric=model_size", **user)
    assert told.code == 0, told.text
    assert told.out.count("PASS") >= 2
