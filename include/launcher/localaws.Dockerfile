# The stand-in for AWS as a container of docker-compose.yaml.
FROM python:3.11-slim

# bubblewrap: jobs see /opt/ml as SageMaker lays it out. socat: the server itself listens on loopback only.
RUN apt-get update && apt-get install --yes --no-install-recommends bubblewrap libgomp1 socat \
    && rm -rf /var/lib/apt/lists/*
COPY include/localaws/requirements.txt /app/requirements.txt
RUN pip install --no-cache-dir --require-hashes -r /app/requirements.txt
COPY include /app/include

RUN useradd --create-home --uid 50000 localaws && mkdir /state && chown localaws /state
USER 50000
ENV PYTHONPATH=/app/include
CMD ["bash", "-c", "socat TCP-LISTEN:4566,fork,reuseaddr TCP:127.0.0.1:4565 & exec python -m localaws --host 127.0.0.1 --port 4565 --state /state"]
