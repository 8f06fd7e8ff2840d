"""MLServer's runtime for the benchmark: the functions of ``serving_direct`` behind its V2 protocol."""

from __future__ import annotations

import fasttext
from mlserver import MLModel
from mlserver.codecs import StringCodec
from mlserver.types import InferenceRequest, InferenceResponse

from serving_direct import predict


class Sentiment(MLModel):
    """Texts in, the serving contract's CSV out."""

    async def load(self) -> bool:
        """Load fastText's model from the file that the settings name."""
        self._model = fasttext.load_model(self.settings.parameters.uri)
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Answer one request."""
        texts = StringCodec.decode_input(payload.inputs[0])
        rows = predict(self._model, texts).splitlines()
        return InferenceResponse(
            model_name=self.name, outputs=[StringCodec.encode_output("predictions", rows)]
        )
