"""The Settings page: what it shows, saves and refuses, and that no address comes back to the browser."""

import pytest

from core.home import home
from core.rules import Diverged
from core.settings import Settings, Webhook, in_force, save, settings
from tests.integration.test_pages import opened, texts

SECRET = "T0K3N-of-the-hook"


def page():
    app = opened("pages/lab_settings.py")
    assert not app.exception, app.exception
    return app


def button(app, label, k=0):
    return [item for item in app.button if item.label == label][k]


def field(app, kind, label):
    return next(item for item in app.get(kind) if item.label == label)


def shown(app):
    """All that the browser is sent."""
    kinds = ("text_input", "markdown", "caption", "error", "success", "button", "multiselect", "selectbox")
    return " ".join(str(item.proto) for kind in kinds for item in app.get(kind))


def test_settings_are_changed_saved_and_read_again():
    app = page()
    assert app.title[0].value == "Settings"
    assert button(app, "Save").disabled
    field(app, "number_input", "Runs at a time on the CPU").set_value(3).run()
    field(app, "selectbox", "Time zone of messages").set_value("Europe/Berlin").run()
    button(app, "Save").click().run()
    assert not app.exception
    assert (settings().slots.cpu, settings().time_zone) == (3, "Europe/Berlin")
    assert button(app, "Save").disabled
    assert home().settings_file.stat().st_mode & 0o777 == 0o600


def test_no_two_time_zones_are_called_alike():
    """A browser says by its words what was chosen; with two of one name a lab without a zone got one by any click."""
    options = field(page(), "selectbox", "Time zone of messages").options
    assert len(set(options)) == len(options) and {"UTC", "UTC (default)"} <= set(options)


def test_rules_and_channels_are_added_changed_and_removed():
    app = page()
    next(item for item in app.pills if item.label == "Add a rule").set_value("diverged").run()
    field(app, "text_input", "Factor").set_value("50").run()
    field(app, "checkbox", "Stop the run").set_value(True).run()
    next(item for item in app.pills if item.label == "Add a channel").set_value("slack").run()
    assert button(app, "Save").disabled  # it has no address yet
    field(app, "text_input", "Address").set_value(f"https://hooks.example.org/{SECRET}").run()
    field(app, "multiselect", "Tell").set_value(["slack"]).run()
    button(app, "Save").click().run()
    assert not app.exception and not app.error
    assert settings().watch == (Diverged(factor=50, stop=True, tell=("slack",)),)
    assert settings().channels == (Webhook(kind="slack", name="slack", url=f"https://hooks.example.org/{SECRET}"),)
    again = page()
    assert "hooks.example.org" in shown(again) and SECRET not in shown(again)
    button(again, "Remove", 1).click().run()
    assert "there is no channel" in texts(again)
    button(again, "Remove", 0).click().run()
    button(again, "Save").click().run()
    assert settings() == Settings()


@pytest.mark.parametrize("value, words", [("1", "greater than 1"), ("x", "number"), ("nan", "finite"), ("", "number")])
def test_what_does_not_validate_is_said_and_not_saved(value, words):
    app = page()
    next(item for item in app.pills if item.label == "Add a rule").set_value("diverged").run()
    field(app, "text_input", "Factor").set_value(value).run()
    assert words in texts(app)
    assert button(app, "Save").disabled
    assert settings() == Settings()


def test_an_error_stands_beside_its_field_and_an_empty_field_says_what_it_stands_for():
    app = page()
    assert field(app, "text_input", "Threads of each run").placeholder == "auto"
    assert field(app, "text_input", "Days with all checkpoints").placeholder == "for ever"
    field(app, "text_input", "Least free space (MB)").set_value("1").run()
    assert texts(app).count("1 is not allowed; it should be greater than or equal to 50") == 2  # and beside Save


def test_a_file_that_does_not_validate_is_told_and_can_be_replaced():
    save(Settings(slots={"cpu": 2}))
    in_force()
    home().settings_file.write_text("slots: {cpu: none}")
    app = page()
    assert any("slots.cpu" in item.value for item in app.error)
    assert field(app, "number_input", "Runs at a time on the CPU").value == 2
    field(app, "number_input", "Runs at a time on the CPU").set_value(4).run()
    button(app, "Save").click().run()
    assert settings().slots.cpu == 4 and in_force().fault == ""


@pytest.mark.parametrize("text", [None, b"# " + b"x" * 300_000, b"# Z\xfcrich"], ids=["gone", "huge", "no UTF-8"])
def test_a_file_that_can_not_be_read_is_told_and_can_be_replaced(text):
    save(Settings(slots={"cpu": 2}))
    home().settings_file.unlink() if text is None else home().settings_file.write_bytes(text)
    app = page()
    assert any("the last valid settings stay in force" in item.value for item in app.error)
    assert field(app, "number_input", "Runs at a time on the CPU").value == 2
    button(app, "Save").click().run()
    assert settings().slots.cpu == 2 and in_force().fault == "" and not app.error


def test_watch_says_what_is_wrong_with_them():
    home().ensure().settings_file.write_text("slots: {cpu: none}")
    app = opened("pages/watch_runs.py")
    assert not app.exception and any("slots.cpu" in item.value for item in app.warning)


def test_what_somebody_else_saved_meanwhile_is_not_overwritten():
    app = page()
    field(app, "number_input", "Runs at a time on the CPU").set_value(3).run()
    save(Settings(slots={"cpu": 7}))
    button(app, "Save").click().run()
    assert any("Somebody else" in item.value for item in app.warning)
    assert settings().slots.cpu == 7
    button(app, "Discard changes").click().run()
    assert field(app, "number_input", "Runs at a time on the CPU").value == 7


def test_a_test_of_a_channel_says_what_came_back():
    save(Settings(channels=(Webhook(name="ops", url=f"http://127.0.0.1:1/{SECRET}"),)))
    app = page()
    button(app, "Send a test").click().run()
    assert not app.exception
    assert any("refused" in item.value for item in app.error)
    assert SECRET not in shown(app)


def test_a_run_gets_rules_and_tries_of_its_own_on_launch():
    app = opened("pages/launch_runs.py")
    hash_before = app.code[0].value
    next(item for item in app.pills if item.label == "Add a rule").set_value("stalled").run()
    field(app, "text_input", "Minutes").set_value("5").run()
    field(app, "toggle", "Retry").set_value(True).run()
    field(app, "number_input", "Most tries").set_value(3).run()
    assert not app.exception and not app.error
    assert app.code[0].value == hash_before
    field(app, "text_input", "Minutes").set_value("-1").run()
    assert "watch.0.minutes" in texts(app)
    assert button(app, "Launch").disabled
    field(app, "text_input", "Minutes").set_value("5").run()
    button(app, "Remove").click().run()
    assert not app.error and not button(app, "Launch").disabled
