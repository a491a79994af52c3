# make demo   re-shoot five seconds of the bundled clip
# make serve  the server with its page, on http://127.0.0.1:8484
# make test   set up and pass the tests
# make check  formatting, lints, types, layers
# make lock   refresh the locked dependencies

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo serve test check lock clean

# Each stamp is newer than the lock file that it was installed from.
.venv/run.stamp: requirements/run.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "retake needs Python 3.11 or later; try make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(PIP) install --require-hashes -r requirements/run.txt
	$(PIP) install --no-deps --editable .
	@touch $@

.venv/dev.stamp: .venv/run.stamp requirements/dev.txt
	$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

demo: .venv/run.stamp
	@$(BIN)/retake edit demo/clip.mp4 -o demo/out.mp4 --start 1 --duration 5 \
		--prompt "A dramatic explosion with bright orange flames" \
		--mode replace_audio_and_video --seed 7 \
		--sheet demo/sheet.jpg --report demo/report.json --force

serve: .venv/run.stamp
	@$(BIN)/retake serve

test: .venv/dev.stamp
	$(BIN)/python -m pytest

check: .venv/dev.stamp
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/lint-imports
	$(BIN)/basedpyright

lock: .venv/dev.stamp
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --quiet pyproject.toml -o requirements/run.txt
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --quiet pyproject.toml --group dev -o requirements/dev.txt

clean:
	rm -rf .venv demo/out.mp4 demo/sheet.jpg demo/report.json
