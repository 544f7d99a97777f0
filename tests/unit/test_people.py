"""Who may do what: policies, what is asked of each deed, who is kept out, tokens."""

import inspect
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from core import jobs, people
from core.background import Background
from core.errors import LabError, StoreError
from core.home import home
from core.jobs import bin, database, editing, events, many, queueing, resumption, retention
from core.people import ADMIN, ROLES, RUNNER, VIEWER, NotAllowedError, Person, acting_as, admission, policy, tokens
from core.people.admission import NotSignedInError, admitted
from core.people.register import changing, register

POLICY = "viewer: [lab]\nrunner: [lab-runners]\nadmin: [lab-admins]\n"
SIGN_IN = f"""[auth]
redirect_uri = "https://lab.example/oauth2callback"
cookie_secret = "{"k" * 40}"
client_id = "lab"
client_secret = "s"
server_metadata_url = "https://id.example/.well-known/openid-configuration"
"""


@pytest.fixture
def lab(lab_home):
    lab_home.mkdir(exist_ok=True)
    (lab_home / "people.yaml").write_text(POLICY)
    (lab_home / "sign-in.toml").write_text(SIGN_IN)
    return lab_home


@pytest.fixture
def visitors():
    """The process serves people; `visitors.now` is who acts."""

    class Visitors:
        now = None

    people.visitors_are(lambda: Visitors.now)
    yield Visitors
    people.visitors_are(None)


def claims(*groups, **more):
    return {"sub": "a1", "email": "a@lab.example", "iat": time.time(), "groups": list(groups)} | more


# -- policies -----------------------------------------------------------------------------------------------------

GIVEN = [
    ({"groups": ["lab"]}, VIEWER),
    ({"groups": ["lab", "lab-admins"]}, ADMIN),
    ({"groups": "lab-runners"}, RUNNER),
    ({"groups": ["LAB"]}, None),
    ({"groups": [["lab"]]}, None),
    ({"groups": {"lab": True}}, None),
    ({"groups": [1, None, True]}, None),
    ({}, None),
]


@pytest.mark.parametrize(("said", "role"), GIVEN)
def test_the_highest_role_of_somebodys_groups_counts(lab, said, role):
    assert policy.policy().role_of(said) == role


def test_groups_may_stand_in_a_claim_of_a_claim_and_others_may_be_let_in():
    rules = policy.Policy(claim="realm_access.roles", admin=("boss",), everybody="viewer")
    assert rules.role_of({"realm_access": {"roles": ["boss"]}}) == ADMIN
    assert rules.role_of({"realm_access": ["boss"]}) == VIEWER
    url = policy.Policy(claim="https://lab.example/groups", runner=("x",))
    assert url.role_of({"https://lab.example/groups": ["x"]}) == RUNNER


BAD = [
    ("viewer: lab", "viewer"),
    ("viewers: [lab]", "viewers"),
    ("max_age_hours: 1", "gives nobody a role"),
    ("", "gives nobody a role"),
    ("viewer: [lab]\nmax_age_hours: .inf", "max_age|number"),
    ("viewer: [lab]\nmax_age_hours: 0", "max_age_hours"),
    ("viewer: [lab]\neverybody: root", "viewer, runner or admin"),
    ("viewer: [lab", "no YAML"),
    ("[]", "not valid"),
]


@pytest.mark.parametrize(("text", "word"), BAD)
def test_a_policy_at_fault_is_one_line_and_the_valid_one_stays_in_force(lab, text, word):
    assert policy.policy().role_of({"groups": ["lab"]}) == VIEWER
    (lab / "people.yaml").write_text(text)
    with pytest.raises(LabError, match=word) as error:
        policy.check()
    assert "\n" not in str(error.value)
    assert policy.policy().role_of({"groups": ["lab"]}) == VIEWER
    (lab / "people.yaml").unlink()
    assert policy.policy().role_of({"groups": ["lab"]}) == VIEWER, "a server goes on asking people to sign in"


BAD_SIGN_IN = [
    (("[auth]", "[oauth]"), "no section"),
    (('client_id = "lab"\n', ""), "lacks client_id"),
    (("k" * 40, "short"), "cookie_secret"),
    (("/oauth2callback", "/"), "redirect_uri"),
    (("https://lab.example/", "http://lab.example/"), "https"),
    (("https://id.example/", "http://id.example/"), "https"),
    (('client_id = "lab"', "client_id = lab"), "no TOML"),
]


@pytest.mark.parametrize(("change", "word"), BAD_SIGN_IN)
def test_who_vouches_is_looked_through_and_no_secret_is_said(lab, change, word):
    (lab / "sign-in.toml").write_text(SIGN_IN.replace(*change))
    with pytest.raises(LabError, match=word) as error:
        policy.check()
    assert "k" * 40 not in str(error.value)


# -- who is let in -------------------------------------------------------------------------------------------------


def test_somebody_is_let_in_with_their_role_for_a_while(lab):
    assert admitted(claims("lab")) == Person("a1", "a@lab.example", VIEWER)
    for age in (12.1 * 3600, -3600):
        with pytest.raises(NotSignedInError, match="too long ago"):
            admitted(claims("lab", iat=time.time() - age))
    for wrong in ({"iat": None}, {"iat": "now"}, {"iat": float("nan")}, {"iat": True}, {"sub": ""}, {"sub": 7}):
        with pytest.raises(NotSignedInError):
            admitted(claims("lab") | wrong)
    with pytest.raises(NotAllowedError, match="no group") as error:
        admitted(claims("chess"))
    assert not isinstance(error.value, NotSignedInError)


def test_who_is_kept_out_stays_out_until_they_are_let_in_again(lab):
    admission.deny("a1", "left\nthe lab")
    with pytest.raises(NotAllowedError, match="kept out"):
        admitted(claims("lab-admins"))
    assert register()["denied"]["a1"]["why"] == r"left\nthe lab"
    assert admission.allow("a1")
    assert not admission.allow("a1")
    assert admitted(claims("lab")).role == VIEWER


def test_a_session_that_ended_is_over_and_others_of_the_same_person_are_not(lab):
    admission.end("one")
    with pytest.raises(NotSignedInError, match="signed out"):
        admitted(claims("lab"), "one")
    assert admitted(claims("lab"), "other").role == VIEWER
    with changing() as held:
        held["ended"]["old"] = time.time() - 1
    admission.end("two")
    assert set(register()["ended"]) == {"one", "two"}


@pytest.mark.parametrize("text", ["", "[]", '{"denied": []}', '{"denied": {"a": 1}}', "\xff", "{" * 2000])
def test_a_damaged_list_of_who_is_kept_out_lets_nobody_in(lab, text):
    (lab / "people.json").write_text(text, encoding="latin-1")
    with pytest.raises(StoreError, match="Nobody is let in"):
        admitted(claims("lab-admins"))
    with pytest.raises(StoreError):
        tokens.bearer("lab_00000000_" + "x" * 43)


def test_what_is_written_is_the_owners_alone_and_a_failed_change_changes_nothing(lab):
    admission.deny("a1")
    assert (lab / "people.json").stat().st_mode & 0o777 == 0o600
    before = (lab / "people.json").read_bytes()
    with pytest.raises(ZeroDivisionError), changing() as held:
        held["denied"].clear()
        raise ZeroDivisionError
    assert (lab / "people.json").read_bytes() == before


def test_changes_of_many_at_once_are_all_kept(lab):
    threads = [threading.Thread(target=admission.deny, args=(f"s{k}",)) for k in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(register()["denied"]) == {f"s{k}" for k in range(12)}


# -- what is asked of each deed ------------------------------------------------------------------------------------

LOOKS = {"Engine", "Job", "Slot", "ChangedMeanwhileError", "capacity", "check_editable", "deliver", "ensure",
         "keep_looking", "logs", "name_of_copy", "queue", "status", "tail", "troubles", "untold", "wait_of",
         "waits_because"}  # fmt: skip
"""What `core.jobs` offers that changes nothing which people decide."""


def test_every_deed_of_the_queue_says_which_role_it_takes():
    from core.sweeps import actions as sweeps

    for name in set(jobs.__all__) - LOOKS:
        assert getattr(jobs, name).needs == RUNNER, name
    for name, action in many.ACTIONS.items():
        assert action.do.needs == RUNNER, name
    for deed in (sweeps.start, sweeps.stop, sweeps.resume):
        assert deed.needs == RUNNER, deed
    for module in (queueing, editing, bin, resumption):
        for name, found in inspect.getmembers(module, inspect.isfunction):
            changes = name in ("hold", "release", "remove", "move", "move_before", "set_priority", "edit", "set_after",
                               "duplicate", "delete", "restore", "resume", "retry")  # fmt: skip
            if changes and found.__module__ == module.__name__:
                assert found.needs == RUNNER, name


def test_every_deed_of_a_sweep_takes_a_runner():
    from core import sweeps

    for deed in (sweeps.start, sweeps.stop, sweeps.resume):
        assert deed.needs == RUNNER, deed


def test_what_concerns_the_whole_lab_takes_an_admin():
    from core.housekeeping import carry_out
    from core.jobs.engines.saving import save_settings
    from core.jobs.engines.trying import begin_trial
    from core.reports.logo import keep_logo, remove_logo
    from core.settings import save
    from core.tracking import store
    from core.watchers.channels import send

    for deed in (retention.delete_for_good, retention.empty, carry_out, save, keep_logo, remove_logo, send,
                 store.restore_experiment, database.rebuild, admission.deny, admission.allow, tokens.make,
                 tokens.revoke, tokens.remove, save_settings, begin_trial):  # fmt: skip
        assert deed.needs == ADMIN, deed


@pytest.mark.parametrize("role", ROLES)
def test_a_deed_is_refused_to_whoever_has_not_the_role(visitors, role):
    visitors.now = Person("a1", "a@lab.example", role)
    for k, wanted in enumerate(ROLES):
        if k <= ROLES.index(role):
            people.require(wanted)
            assert people.may(wanted)
        else:
            with pytest.raises(NotAllowedError, match=f"takes the role {wanted}.*a@lab.example has {role}"):
                people.require(wanted)
            assert not people.may(wanted)


def test_a_deed_that_is_nobodys_is_refused_where_people_sign_in_and_the_labs_own_is_not(visitors):
    with pytest.raises(NotAllowedError, match="Nobody"):
        people.require(VIEWER)
    with acting_as(events.LAB):
        people.require(ADMIN)
    with acting_as(Person("token:1", "ci", VIEWER)), pytest.raises(NotAllowedError):
        people.require(RUNNER)
    people.visitors_are(None)
    people.require(ADMIN)


def test_a_viewers_stop_changes_nothing(lab, visitors):
    visitors.now = Person("a1", "a", VIEWER)
    done = many.many("stop", ["0" * 32])
    assert not done[0].ok
    assert "takes the role runner" in done[0].message


def test_who_acts_is_known_on_a_thread_that_goes_on_for_them(visitors):
    visitors.now = Person("a1", "a@lab.example", ADMIN)
    work = Background(people.carried(lambda said: (people.require(ADMIN), people.actor())[1]))
    visitors.now = None
    work.ask()
    while (known := work.ask()).busy:
        time.sleep(0.005)
    assert (known.value, known.error) == ("a@lab.example (a1)", "")


def test_names_in_events_cannot_pass_for_others(visitors):
    for name in ("lab", "courier\x1b[2J", "a" * 500):
        visitors.now = Person("a1", name, ADMIN)
        assert people.actor().endswith(" (a1)")
        assert len(people.actor()) < 200
        assert people.actor() != "lab"
        assert "\x1b" not in people.actor()


# -- tokens -------------------------------------------------------------------------------------------------------


def test_a_token_is_kept_as_a_digest_and_is_good_until_it_is_revoked(lab):
    token, text = tokens.make("laptop of Rosa", RUNNER, 1)
    assert text.split("_", 2)[2] not in (lab / "people.json").read_text()
    assert tokens.bearer(text) == Person(f"token:{token.id}", "laptop of Rosa", RUNNER)
    assert tokens.tokens() == [token]
    other, _ = tokens.make("ci", VIEWER, None)
    assert tokens.revoke(token.id[:7]).revoked
    with pytest.raises(tokens.BadTokenError):
        tokens.bearer(text)
    assert {found.id: found.state(time.time()) for found in tokens.tokens()} == {token.id: "revoked", other.id: "good"}
    tokens.remove(token.id)
    assert [found.id for found in tokens.tokens()] == [other.id]


def test_a_token_that_is_wrong_expired_or_none_at_all_is_told_alike(lab):
    token, text = tokens.make("x", ADMIN, 1e-9)
    said = set()
    swapped = f"lab_{token.id}_" + "A" * 43
    for wrong in (text, swapped, "", "lab_", "x" * 5000, text + " ", f"lab_ffffffff_{text[-43:]}"):
        with pytest.raises(tokens.BadTokenError) as error:
            tokens.bearer(wrong)
        said.add(str(error.value))
    assert len(said) == 1


BAD_TOKENS = [("", VIEWER, 1), ("a\nb", VIEWER, 1), ("x" * 61, VIEWER, 1), ("x", "root", 1), ("x", VIEWER, 0),
              ("x", VIEWER, float("nan")), ("x", VIEWER, 1e9), ("x\x1b", VIEWER, 1)]  # fmt: skip


@pytest.mark.parametrize(("name", "role", "days"), BAD_TOKENS)
def test_no_token_is_made_of_what_is_none(lab, name, role, days):
    with pytest.raises(LabError):
        tokens.make(name, role, days)
    assert not (lab / "people.json").exists()


def test_an_id_that_fits_several_tokens_or_none_is_refused(lab):
    for start in ("", "zz"):
        with pytest.raises(LabError, match="no token"):
            tokens.revoke(start)


# -- where the dashboard may listen --------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.8.8"])
def test_on_this_machine_alone_nobody_has_to_sign_in(lab_home, host):
    policy.check_address(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "no.such.name.invalid"])
def test_where_others_reach_it_the_dashboard_is_refused_unless_people_sign_in(lab_home, host):
    with pytest.raises(LabError, match="only once they sign in") as error:
        policy.check_address(host)
    assert "\n" not in str(error.value)
    lab_home.mkdir(exist_ok=True)
    (lab_home / "people.yaml").write_text(POLICY)
    with pytest.raises(LabError, match=r"sign-in\.toml"):
        policy.check_address(host)
    (lab_home / "sign-in.toml").write_text(SIGN_IN)
    policy.check_address(host)


def test_a_policy_at_fault_starts_no_server_on_this_machine_either(lab):
    (lab / "people.yaml").write_text("viewer: lab")
    with pytest.raises(LabError, match=r"people\.yaml"):
        policy.check_address("127.0.0.1")


def test_the_command_says_so_in_one_line_with_exit_code_2(lab_home):
    done = subprocess.run(
        [sys.executable, "-m", "core", "serve", "--host", "0.0.0.0", "--port", "1"],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"LAB_HOME": str(home().root)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "only once they sign in" in done.stderr
