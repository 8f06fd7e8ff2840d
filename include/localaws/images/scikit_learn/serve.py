"""Serving in script mode: the user's model_fn, input_fn, predict_fn, output_fn or transform_fn.

Semantics of aws/sagemaker-scikit-learn-container: `text/csv` and `application/json` bodies arrive as text
(with U+FFFD for what is not UTF-8, as Werkzeug decodes), any other content type as bytes, also
`text/csv; charset=utf-8`, which is what script-mode containers answer.
Whatever a function raises, also for an unknown content type, is answered with 500: the real container wraps
every function in one that turns all exceptions into its own. A script answers 4xx with a Flask response.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import sys
from typing import TYPE_CHECKING, Any

import codecs_numpy
from serving import ANY, InvocationError, serve
from user_module import module_name, submit_directory, warn_of_requirements

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import ModuleType

LOG = logging.getLogger("scikit_learn")

JSON = "application/json"
TEXT_TYPES = (JSON, "text/csv")


class ScriptModel:
    """The functions of a user's module around the model its `model_fn` returned."""

    def __init__(self, module: ModuleType, model_directory: Path) -> None:
        """Raises:
        ValueError: the module has transform_fn beside input_fn, predict_fn or output_fn.
        NotImplementedError: the module has no model_fn.
        """
        functions = {name: getattr(module, name, None) for name in ("input_fn", "predict_fn", "output_fn")}
        self.transform_fn: Callable[..., Any] | None = getattr(module, "transform_fn", None)
        if self.transform_fn and any(functions.values()):
            raise ValueError(
                "Cannot use transform_fn implementation with input_fn, predict_fn, and/or output_fn"
            )
        model_fn = getattr(module, "model_fn", None)
        if model_fn is None:
            raise NotImplementedError(f"Please provide a model_fn implementation in {module.__file__}.")
        self.input_fn: Callable[..., Any] = functions["input_fn"] or codecs_numpy.default_input
        self.predict_fn: Callable[..., Any] = functions["predict_fn"] or default_predict
        self.output_fn: Callable[..., Any] = functions["output_fn"] or default_output
        if hasattr(module, "execution_parameters_fn"):
            self.execution_parameters = lambda: parameters_of(module.execution_parameters_fn())
        self.model = model_fn(str(model_directory))

    def invocations(self, body: bytes, content_type: str, accept: str) -> tuple[bytes, str]:
        """Answer one request; see `serving.Model`."""
        content_type = content_type or JSON
        content = body.decode("utf-8", "replace") if content_type in TEXT_TYPES else body
        accept = JSON if accept == ANY else accept
        if self.transform_fn:
            return encode_result(self.transform_fn(self.model, content, content_type, accept))
        prediction = self.predict_fn(self.input_fn(content, content_type), self.model)
        return encode_result(self.output_fn(prediction, accept))


def default_predict(data: Any, model: Any) -> Any:
    """What the container does without a predict_fn."""
    return model.predict(data)


def default_output(prediction: Any, accept: str) -> tuple[str | bytes, str]:
    """What the container does without an output_fn."""
    return codecs_numpy.encode(prediction, accept), accept


def parameters_of(result: Any) -> dict[str, Any]:
    """The execution parameters that a script's view function returned: a Flask response, JSON or a dict."""
    if hasattr(result, "get_data"):
        result = result.get_data(as_text=True)
    return dict(json.loads(result)) if isinstance(result, str) else dict(result)


def encode_result(result: Any) -> tuple[bytes, str]:
    """Body and content type of what an output_fn or transform_fn returned.

    Args:
        result: (body, content type), a bare body (sent as text/html, as Flask does in the real container), or
            a Flask response.

    Raises:
        InvocationError: the Flask response has an error status.
        TypeError: none of these.
    """
    if hasattr(result, "get_data") and hasattr(result, "status_code"):
        if result.status_code >= 400:
            raise InvocationError(
                result.status_code, result.get_data().decode("utf-8", "replace"), result.content_type
            )
        return bytes(result.get_data()), str(result.content_type)
    body, content_type = result if isinstance(result, tuple) else (result, "text/html")
    if isinstance(body, str):
        body = body.encode("utf-8")
    if not isinstance(body, (bytes, bytearray)):
        raise TypeError(f"output_fn returned a body of type {type(body).__name__}; it must be str or bytes.")
    if content_type.startswith("text/") and "charset" not in content_type:
        content_type += "; charset=utf-8"
    return bytes(body), content_type


def load(model_directory: Path) -> ScriptModel:
    """Import SAGEMAKER_PROGRAM from SAGEMAKER_SUBMIT_DIRECTORY and load the model with it."""
    directory = submit_directory(model_directory)
    warn_of_requirements(directory)
    return ScriptModel(import_file(directory, module_name()), model_directory)


def import_file(directory: Path, name: str) -> ModuleType:
    """Import a module by its place, so that it may have the name of a module of this server.

    Raises:
        FileNotFoundError: there is no such file.
    """
    path = directory / f"{name.replace('.', '/')}.py"
    specification = importlib.util.spec_from_file_location(name, path)
    if not path.is_file() or specification is None or specification.loader is None:
        raise FileNotFoundError(f"SAGEMAKER_PROGRAM {path.name} is not in {directory}.")
    sys.path.insert(0, str(directory))
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    specification.loader.exec_module(module)
    return module


if __name__ == "__main__":
    serve(load)
