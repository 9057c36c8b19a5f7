"""Files under an address such as ``s3://bucket/prefix``: put whole, got whole."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pyarrow import ArrowException
from pyarrow.fs import FileSelector, FileSystem, FileType

from nas.errors import RunError, one_line


@dataclass(frozen=True, slots=True)
class ObjectStore:
    """A place in an object store, as ``pyarrow.fs`` addresses it.

    Credentials come from where the store's clients look for them (environment, configuration files,
    machine roles), never from the address, which is written into recipes. An S3-speaking server of
    one's own is named by ``AWS_ENDPOINT_URL``, or by ``?scheme=http&endpoint_override=HOST:PORT``.

    Every method raises a RunError where the store cannot be reached or refuses.
    """

    uri: str

    def below(self, name: str) -> "ObjectStore":
        """The place ``name`` below this one."""
        address, question, options = self.uri.partition("?")
        return ObjectStore(f"{address.rstrip('/')}/{name}{question}{options}")

    def put(self, name: str, file: Path) -> None:
        """Store a local file; readers see the whole of it or what was there before."""
        self.write(name, file.read_bytes())

    def write(self, name: str, data: bytes) -> None:
        """Store bytes; readers see the whole of them or what was there before."""
        system, place = self._open()
        try:
            with system.open_output_stream(f"{place}/{name}") as stream:
                stream.write(data)
        except (OSError, ArrowException) as error:
            raise self._fault("written", error) from error

    def read(self, name: str) -> bytes | None:
        """What stands under a name; None where there is no such name."""
        system, place = self._open()
        try:
            with system.open_input_stream(f"{place}/{name}") as stream:
                return bytes(stream.read())
        except FileNotFoundError:
            return None
        except (OSError, ArrowException) as error:
            raise self._fault("read", error) from error

    def get(self, name: str, file: Path) -> bool:
        """Fetch into a local file; False where there is no such name."""
        data = self.read(name)
        if data is None:
            return False
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        return True

    def delete(self, name: str) -> None:
        """Remove a name, where it is there."""
        system, place = self._open()
        try:
            system.delete_file(f"{place}/{name}")
        except FileNotFoundError:
            return
        except (OSError, ArrowException) as error:
            raise self._fault("written", error) from error

    def names(self) -> list[str]:
        """Everything below this place, as paths from it."""
        system, place = self._open()
        try:
            found = system.get_file_info(FileSelector(place, recursive=True, allow_not_found=True))
        except (OSError, ArrowException) as error:
            raise self._fault("read", error) from error
        return sorted(info.path[len(place) + 1 :] for info in found if info.type == FileType.File)

    def _open(self) -> tuple[Any, str]:
        try:
            return _client(self.uri)
        except (OSError, ValueError, ArrowException) as error:
            raise self._fault("opened", error) from error

    def _fault(self, verb: str, error: Exception) -> RunError:
        return RunError(f"the object store {self.uri} cannot be {verb}: {one_line(error)}")


@lru_cache(maxsize=8)
def _client(uri: str) -> tuple[Any, str]:
    """What speaks to an address, and the path in it; kept, with its connections: each costs a greeting or two."""
    system, place = FileSystem.from_uri(uri)
    return system, place.rstrip("/")
