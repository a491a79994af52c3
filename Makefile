# make demo   re-shoot five seconds of the bundled clip
# make serve  the server with its page, on http://127.0.0.1:8484
# make test   set up and pass the tests
# make setup-ltx  the libraries of the ltx engine (torch with CUDA where there is an NVIDIA driver)
# make check  formatting, lints, types, layers
# make lock   refresh the locked dependencies

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo serve setup-ltx test check lock clean

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

# What the tests of ltx need runs on any machine: torch without CUDA. demo and serve need no torch.
LTX_LOCKS := requirements/ltx.txt requirements/ltx-cpu.txt requirements/torch-cpu.txt
.venv/ltx.stamp: .venv/run.stamp $(LTX_LOCKS) tools/setup_ltx.py
	$(BIN)/python tools/setup_ltx.py --cpu
	@touch $@

demo: .venv/run.stamp
	@$(BIN)/retake edit demo/clip.mp4 -o demo/out.mp4 --start 1 --duration 5 \
		--prompt "A dramatic explosion with bright orange flames" \
		--mode replace_audio_and_video --seed 7 \
		--sheet demo/sheet.jpg --report demo/report.json --force

serve: .venv/run.stamp
	@$(BIN)/retake serve

setup-ltx: .venv/run.stamp
	$(BIN)/python tools/setup_ltx.py
	@$(BIN)/retake doctor

test: .venv/dev.stamp .venv/ltx.stamp
	$(BIN)/python -m pytest

check: .venv/dev.stamp .venv/ltx.stamp
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/lint-imports
	$(BIN)/basedpyright

lock: .venv/dev.stamp
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --quiet pyproject.toml -o requirements/run.txt
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --quiet pyproject.toml --group dev -o requirements/dev.txt
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --quiet pyproject.toml --extra ltx -c requirements/dev.txt -o requirements/ltx.txt
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --quiet pyproject.toml --extra ltx -c requirements/dev.txt --excludes requirements/cuda-only.txt --no-emit-package torch -o requirements/ltx-cpu.txt

clean:
	rm -rf .venv demo/out.mp4 demo/sheet.jpg demo/report.json
