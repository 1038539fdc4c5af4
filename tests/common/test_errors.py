import pytest

from regard.common.errors import UserError
from regard.common.repository import RepositoryError
from regard.common.rows import RowError
from regard.common.tables import TableError


@pytest.mark.parametrize("kind", [RepositoryError, RowError, TableError])
def test_what_a_user_can_mend_is_a_user_error(kind: type[Exception]) -> None:
    assert issubclass(kind, UserError)
