"""Print jobs: a real, small PDF whose pages say who they are, so that what a device prints can be told apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from mocks.acceptance.refusal import Refused


@dataclass(frozen=True, slots=True)
class PrintJob:
    """One job: the session it belongs to and its content."""

    id: str
    session_id: str
    pages: int
    content: bytes


@dataclass
class PrintJobs:
    """Jobs that the clerk made; a device fetches the content once it is told to print."""

    new_id: Callable[[], str]
    rows: dict[str, PrintJob] = field(default_factory=dict)

    def create(self, session_id: str, pages: int = 1) -> PrintJob:
        """A job of `pages` A4 pages."""
        job_id = self.new_id()
        job = PrintJob(job_id, session_id, pages, pdf([f"{job_id} {page} / {pages}" for page in range(1, pages + 1)]))
        self.rows[job_id] = job
        return job

    def get(self, job_id: object) -> PrintJob:
        """Raises Refused for an unknown job."""
        job = self.rows.get(job_id) if isinstance(job_id, str) else None
        if job is None:
            raise Refused("not-found", "no such print job")
        return job


def pdf(lines: list[str]) -> bytes:
    """A PDF 1.4 file with one line of Latin text on each A4 page (ISO 32000-1 section 7.5)."""
    count = len(lines)
    kids = " ".join(f"{4 + 2 * i} 0 R" for i in range(count))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {count} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for i, line in enumerate(lines):
        text = line.encode("ascii", "replace").decode("ascii").replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
        stream = f"BT /F1 24 Tf 72 760 Td ({text}) Tj ET"
        objects.append(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >>"
            f" /Contents {5 + 2 * i} 0 R >>"
        )
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
    out = bytearray(b"%PDF-1.4\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode("ascii")
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode("ascii")
    out += b"".join(f"{offset:010d} 00000 n \n".encode("ascii") for offset in offsets)
    out += f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode("ascii")
    return bytes(out)
