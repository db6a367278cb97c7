"""Running the Python of a Markdown page: examples with prompts are compared with what they show, others just run."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

FENCE = re.compile(r"^```(?:python|pycon)\n(.*?)^```", flags=re.DOTALL | re.MULTILINE)
OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def run_page(page: Path) -> int:
    """Run the blocks of a page top to bottom in one namespace and return how many there are."""
    text = page.read_text(encoding="utf-8")
    namespace: dict[str, object] = {"__name__": page.stem}
    blocks = list(FENCE.finditer(text))
    for block in blocks:
        code, line = block.group(1), text.count("\n", 0, block.start(1))
        if not code.lstrip().startswith(">>>"):
            exec(compile("\n" * line + code, str(page), "exec"), namespace)
            continue
        example = doctest.DocTestParser().get_doctest(code, namespace, page.name, str(page), line)
        report: list[str] = []
        failed, _ = doctest.DocTestRunner(optionflags=OPTIONS).run(
            example, out=report.append, clear_globs=False
        )
        assert not failed, "".join(report)
        namespace.update(example.globs)
    return len(blocks)
