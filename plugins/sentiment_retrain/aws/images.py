"""Where AWS keeps the container images of a region.

The table answers for the common regions without importing the SageMaker SDK, which costs seconds and does not
install on managed Airflow; the SDK, where it is installed, answers for all others. A test compares the two.
"""

from __future__ import annotations

from sentiment_retrain.errors import ConfigError

REPOSITORIES = {
    "blazingtext": "blazingtext:1",
    "clarify": "sagemaker-clarify-processing:1.0",
    "scikit_learn": "sagemaker-scikit-learn:1.2-1-cpu-py3",
}

ACCOUNTS: dict[str, dict[str, str]] = {
    "ap-northeast-1": {
        "blazingtext": "501404015308",
        "clarify": "377024640650",
        "scikit_learn": "354813040037",
    },
    "ap-southeast-2": {
        "blazingtext": "544295431143",
        "clarify": "007051062584",
        "scikit_learn": "783357654285",
    },
    "ca-central-1": {
        "blazingtext": "469771592824",
        "clarify": "675030665977",
        "scikit_learn": "341280168497",
    },
    "eu-central-1": {
        "blazingtext": "813361260812",
        "clarify": "017069133835",
        "scikit_learn": "492215442770",
    },
    "eu-west-1": {
        "blazingtext": "685385470294",
        "clarify": "131013547314",
        "scikit_learn": "141502667606",
    },
    "eu-west-2": {
        "blazingtext": "644912444149",
        "clarify": "440796970383",
        "scikit_learn": "764974769150",
    },
    "us-east-1": {
        "blazingtext": "811284229777",
        "clarify": "205585389593",
        "scikit_learn": "683313688378",
    },
    "us-east-2": {
        "blazingtext": "825641698319",
        "clarify": "211330385671",
        "scikit_learn": "257758044811",
    },
    "us-west-1": {
        "blazingtext": "632365934929",
        "clarify": "740489534195",
        "scikit_learn": "746614075791",
    },
    "us-west-2": {
        "blazingtext": "433757028032",
        "clarify": "306415355426",
        "scikit_learn": "246618743249",
    },
}


def image_uris(region: str) -> dict[str, str]:
    """URIs of the images ``blazingtext``, ``clarify`` and ``scikit_learn`` in ``region``.

    :raises ConfigError: when neither the table nor an installed SDK knows the region
    """
    accounts = ACCOUNTS.get(region)
    if accounts is None:
        return from_sdk(region)
    return {
        name: f"{accounts[name]}.dkr.ecr.{region}.amazonaws.com/{repository}"
        for name, repository in REPOSITORIES.items()
    }


def from_sdk(region: str) -> dict[str, str]:
    """The same, asked of the SageMaker SDK."""
    expected = f"a region of {', '.join(sorted(ACCOUNTS))}, or an installed `sagemaker` 3 that knows it"
    remedy = "Set AWS_DEFAULT_REGION to a supported region, or install the SageMaker SDK."
    try:
        from sagemaker.core import image_uris as sdk
    except ImportError as error:
        raise ConfigError(f"no image account known for region {region!r}", expected, remedy) from error
    try:
        return {
            "blazingtext": sdk.retrieve("blazingtext", region),
            "clarify": sdk.retrieve("clarify", region),
            "scikit_learn": sdk.retrieve("sklearn", region, version="1.2-1"),
        }
    except ValueError as error:
        raise ConfigError(f"region {region!r}: {error}", expected, remedy) from error
