"""The kiosk's browser leaves nothing behind, killed or not."""

from __future__ import annotations

from pathlib import Path

from mocks.devices.kiosk.browser import PREFIX, Browser


def test_the_folder_of_a_killed_browsers_socket_goes_with_its_home(tmp_path: Path) -> None:
    """Chromium keeps its socket beside its home (a path to a socket is short) and links to it from its profile."""
    state, beside, other = tmp_path / "state", tmp_path / "org.chromium.Chromium.x", tmp_path / "org.chromium.Chromium.y"
    left = state / f"{PREFIX}left"
    for folder in (left / "profile", beside, other):
        folder.mkdir(parents=True)
        (folder / "SingletonCookie").touch()
    (beside / "SingletonSocket").touch()
    (left / "profile" / "SingletonSocket").symlink_to(beside / "SingletonSocket")
    browser = Browser(state)
    assert list(state.iterdir()) == [browser.home]
    assert not beside.exists()
    assert other.exists(), "another browser's"
