# Sentiment Retrain. `make help` lists what people use; every target creates what it needs and is safe to repeat.
SHELL := bash
.DEFAULT_GOAL := help
# Without byte code every Airflow process would compile all of Airflow again.
unexport PYTHONDONTWRITEBYTECODE

# A review may hold quotes and dollar signs: taken as typed, quoted once for the shell.
quoted = '$(subst ','\'',$(value $(1)))'
launcher = PYTHONPATH=include .venv/bin/python -m launcher
uv = $(or $(shell command -v uv),.local/uv/bin/uv)
compile = $(uv) pip compile --quiet --python-version 3.11 --universal --generate-hashes
PYTHON_FILES = dags plugins include/launcher include/deployment include/containers tests benchmarks
local = $(or $(SENTIMENT_RETRAIN_LOCAL),.local)

.PHONY: docs help set-up run plan backfill rollback up down localaws localaws-reset preflight audit predict report status test drills topology mwaa compose-env check lock conformance fuzz bench bench-serving bench-contenders bench-bias bench-shap bench-drift bench-verdict soak clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

set-up: ## make both virtual environments (the other commands do it by themselves)
	@include/launcher/set-up.sh

run: set-up ## retrain once, end to end, on real reviews; DATA=<csv or s3 uri> takes yours
	@$(launcher) run --data $(call quoted,DATA)

plan: set-up ## which rows and columns of DATA= a run would take, what it would do, and cost at most; starts no job
	@$(launcher) plan --data $(call quoted,DATA)

backfill: set-up ## runs of past days, FROM=2026-03-01 TO=2026-03-10; DRY_RUN=1 first; PARALLEL=2, DEPLOY=auto, never or force
	@$(launcher) backfill --from $(call quoted,FROM) --to $(call quoted,TO) --dry-run $(call quoted,DRY_RUN) \
	  $(if $(DEPLOY),--deploy $(call quoted,DEPLOY)) $(if $(PARALLEL),--parallel $(call quoted,PARALLEL))

rollback: set-up ## back to the model that was live before, or MODEL=<name, package ARN or version>; pins it, UNPIN=1 lifts the pin
	@$(launcher) rollback --model $(call quoted,MODEL) --unpin $(call quoted,UNPIN)

up: set-up ## start the stand-in for AWS and Airflow with its UI, and leave them running
	@$(launcher) up

down: ## stop everything that was started from this checkout, and nothing else
	@if [ -x .venv/bin/python ]; then $(launcher) down; fi

localaws: set-up ## run the stand-in for AWS alone, in the foreground
	@$(launcher) localaws

localaws-reset: set-up ## forget the stand-in's buckets, jobs and endpoints; refuses while it runs
	@PYTHONPATH=include .venv-localaws/bin/python -m localaws --reset --state "$(local)/localaws"

preflight: set-up ## is the AWS account ready for a run? asks before any money; starts nothing
	@$(launcher) preflight

predict: set-up ## classify TEXT="..." with the live endpoint
	@$(launcher) predict --text $(call quoted,TEXT)

report: set-up ## show the last run's card; FORMAT=text, json or html
	@$(launcher) report --format $(if $(FORMAT),$(call quoted,FORMAT),text)

status: set-up ## what is live, the last runs, what is wrong, what to type next, what runs where
	@$(launcher) status

test: set-up ## run the whole test suite, in WORKERS=3 processes
	@.venv/bin/pytest -n $(or $(WORKERS),3) --dist loadfile --no-loadscope-reorder

drills: set-up ## the long form of the drills: a real Airflow killed, faults, 200 random sequences; prints the table
	@DRILLS=long .venv/bin/pytest tests/drills tests/browser/test_people_act.py -n $(or $(WORKERS),3) --dist loadfile --no-loadscope-reorder

topology: set-up celery-environment ## docker-compose.yaml's services as plain processes, a worker killed mid-run; wants PostgreSQL and Redis
	@TOPOLOGY=run .venv/bin/pytest tests/system/test_celery_topology.py -s

.PHONY: celery-environment
celery-environment:
	@cmp -s requirements-celery.txt .local/celery/.requirements || { uv=$$(command -v uv || echo .local/uv/bin/uv); \
	  $$uv venv --quiet --clear --python 3.11 .local/celery && $$uv pip install --quiet --require-hashes \
	  --python .local/celery/bin/python -r requirements-celery.txt && cp requirements-celery.txt .local/celery/.requirements; }

mwaa: ## what Amazon MWAA reads (dags, plugins.zip, requirements.txt, startup.sh), into .local/mwaa
	@python3 include/deployment/mwaa.py

compose-env: ## make .env for docker-compose.yaml, with fresh secrets; changes none that is there
	@python3 include/deployment/compose_env.py

check: set-up ## lint, formatting, types and spelling, as reviewers see them
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy $(PYTHON_FILES)
	.venv/bin/mypy --python-executable .venv-localaws/bin/python include/localaws
	.venv/bin/codespell

audit: set-up ## known vulnerabilities and licences of the pinned packages, asked of the package index, or SERVICE=osv
	@UV=$(uv) .venv/bin/python include/deployment/audit.py --service $(if $(SERVICE),$(call quoted,SERVICE),pypi)

conformance: set-up ## test the stand-in through boto3 alone; AWS=1 runs the same tests on your account
	@.venv/bin/pytest tests/localaws \
	  $(if $(AWS),--aws --timeout=7200,-n $(or $(WORKERS),3) --dist loadfile --no-loadscope-reorder)

fuzz: set-up ## REQUESTS=10000 of every kind to the chain of three containers that serves
	@FUZZ=$(or $(REQUESTS),10000) .venv/bin/pytest -q -s tests/system/test_serving_chain.py

bench: set-up ## S3 beside plain moto, then 50 clients at once; DURATION=120; then the scheduler beside a backfill
	@.venv/bin/python benchmarks/load.py --seconds $(or $(DURATION),120)
	@.venv/bin/python benchmarks/scheduling.py

bench-serving: set-up ## the serving chain beside one process, and MLServer: MLSERVER=<python that has it and fasttext>
	@.venv/bin/python benchmarks/serving_latency.py $(if $(MLSERVER),--mlserver $(MLSERVER))

bench-bias: set-up bench-environment ## bias metrics beside smclarify: agreement on 200 tables, speed at ROWS="1000000 10000000"
	@.local/bench/bin/python benchmarks/bias_agreement.py --frames 200
	@.local/bench/bin/python benchmarks/bias_speed.py --rows $(or $(ROWS),1000000 10000000)

bench-shap: set-up bench-environment ## SHAP beside shap's KernelExplainer, at equal samples
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 .local/bench/bin/python benchmarks/shap_speed.py

# smclarify is under the Amazon Software License: compared with, never shipped, hence an environment of its own.
.PHONY: bench-environment
bench-environment:
	@[ -x .local/bench/bin/python ] || { uv=$$(command -v uv || echo .local/uv/bin/uv); \
	  $$uv venv --quiet --python 3.11 .local/bench && $$uv pip install --quiet --python .local/bench/bin/python \
	  smclarify==0.5 "pandas<3" shap duckdb scikit-learn pyarrow pydantic jmespath boto3 matplotlib nbformat; }

bench-drift: set-up ## planted drifts of three sizes and false alarms without any, in PART=judging, setting or whole of DATA=<csv>
	@OMP_NUM_THREADS=1 .venv/bin/python benchmarks/drift_power.py $(call quoted,DATA) --part $(if $(PART),$(call quoted,PART),judging)

bench-verdict: set-up ## how often the verdict's intervals hold the truth and its comparison errs; 7 minutes
	@OMP_NUM_THREADS=1 .venv/bin/python benchmarks/verdict_statistics.py

bench-contenders: set-up ## both contenders beside a tuned linear model on DATA=<csv>; FLAML=<python>, AUTOGLUON=<python> that have them
	@.venv/bin/python benchmarks/contenders.py $(call quoted,DATA) $(if $(FLAML),--flaml $(FLAML)) \
	  $(if $(AUTOGLUON),--autogluon $(AUTOGLUON))

soak: set-up ## kill the stand-in KILLS=50 times under load and look for what it had acknowledged
	@.venv/bin/python benchmarks/kill_drill.py --kills $(or $(KILLS),50)

docs: set-up ## write docs/configuration.md anew from the settings and their comments
	@PYTHONPATH=include .venv/bin/python -m launcher.reference

lock: set-up ## pin both environments again from the *.in files
	$(compile) requirements.in -o requirements.txt
	$(compile) requirements-dev.in -o requirements-dev.txt
	@# Of the Linux image alone, hence not universal.
	$(subst 3.11 --universal,3.11.5 --python-platform linux,$(compile)) requirements-celery.in -o requirements-celery.txt
	$(compile) include/localaws/requirements.in -o include/localaws/requirements.txt

clean: down ## remove what was made here: environments, state, logs (cards too)
	@rm -rf .local .venv .venv-localaws .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
