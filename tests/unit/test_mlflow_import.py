"""MLflow's modules import each other in circles: two threads must not begin at once."""

import ast
from pathlib import Path

from core.home import SOURCE


def unguarded(path: Path) -> list[str]:
    """Places where a function imports from MLflow without having asked for it first."""
    found = []
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        imports = [
            node.lineno
            for node in ast.walk(function)
            if (isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "mlflow")
            or (isinstance(node, ast.Import) and any(name.name.partition(".")[0] == "mlflow" for name in node.names))
        ]
        asked = [
            node.lineno
            for node in ast.walk(function)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "import_mlflow"
        ]
        if imports and (not asked or min(asked) > min(imports)):
            found.append(f"{path.name}:{min(imports)} {function.name}")
    return found


def test_whatever_imports_from_mlflow_waits_for_its_one_import():
    files = [*(SOURCE / "core").rglob("*.py"), *(SOURCE / "pages").rglob("*.py")]
    assert [place for path in files for place in unguarded(path)] == []
