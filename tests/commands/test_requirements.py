import pytest

from commands import requirements
from messaging.errors import UserError
from messaging.system_packages import PACKAGES


def test_a_missing_library_is_named_with_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(requirements, "NEEDED", ("libNo.so.1", "libc.so.6"))
    monkeypatch.setitem(PACKAGES, "libNo.so.1", "libno1")
    with pytest.raises(UserError, match=r"missing system packages: libno1; .* install libno1$"):
        requirements.require_system_libraries()


def test_nothing_is_missing_where_opencv_can_be_imported() -> None:
    import cv2

    assert cv2.__version__
    requirements.require_system_libraries()
