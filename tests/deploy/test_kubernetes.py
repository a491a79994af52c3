"""The Kubernetes manifests: what must agree in them does, and KEDA's queries count."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
from contextlib import closing

import psycopg
import pytest

from retake.queue.opening import open_postgres
from retake.queue.record import NewRequest
from retake.queue.store import Store
from retake.settings import Settings
from tests.deploy.files import DEPLOY, containers, instructions, of_kind
from tests.postgres import PostgresServer

SCALED = of_kind("ScaledObject")
DEPLOYMENTS = of_kind("Deployment")


def test_a_pod_has_longer_than_its_drain() -> None:
    for name, deployment in DEPLOYMENTS.items():
        pod = deployment["spec"]["template"]["spec"]
        variables = {one["name"]: one["value"] for one in pod["containers"][0].get("env", [])}
        if "worker" in name:
            assert pod["terminationGracePeriodSeconds"] > int(variables["RETAKE_DRAIN_S"]), name


def test_selectors_meet_their_pods_and_budgets_their_deployments() -> None:
    labels = {
        name: one["spec"]["template"]["metadata"]["labels"] for name, one in DEPLOYMENTS.items()
    }
    for name, one in DEPLOYMENTS.items():
        assert one["spec"]["selector"]["matchLabels"].items() <= labels[name].items()
    budgets = of_kind("PodDisruptionBudget")
    assert budgets.keys() == DEPLOYMENTS.keys()
    for name, budget in budgets.items():
        assert budget["spec"]["selector"]["matchLabels"].items() <= labels[name].items()
    (service,) = of_kind("Service").values()
    assert service["spec"]["selector"].items() <= labels["retake-server"].items()


def test_pods_run_as_the_image_s_user_and_can_do_nothing_else() -> None:
    (user,) = {text.partition(":")[0] for name, text in instructions() if name == "USER"}
    for deployment in DEPLOYMENTS.values():
        pod = deployment["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert str(pod["securityContext"]["runAsUser"]) == user
        volumes = {volume["name"] for volume in pod["volumes"]}
        for container in containers(deployment):
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
            assert "memory" in container["resources"]["limits"]
            paths = {mount["mountPath"] for mount in container["volumeMounts"]}
            assert {"/data", "/tmp"} <= paths


def test_probes_ask_what_the_server_answers() -> None:
    (server,) = DEPLOYMENTS["retake-server"]["spec"]["template"]["spec"]["containers"]
    port = Settings.model_fields["port"].default
    assert server["ports"] == [{"name": "http", "containerPort": port}]
    from retake.api.health import routes

    answered = {route.path for route in routes.routes}
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert server[probe]["httpGet"]["path"] in answered
        assert server[probe]["httpGet"]["port"] == "http"
    # A database that is gone for a while must not end all servers at once.
    assert server["livenessProbe"]["httpGet"]["path"] == "/healthz"


def test_every_secret_and_config_map_is_there_under_its_name() -> None:
    maps, secrets = of_kind("ConfigMap"), of_kind("Secret")
    for deployment in DEPLOYMENTS.values():
        for container in containers(deployment):
            for source in container.get("envFrom", []):
                for kind, there in (("configMapRef", maps), ("secretRef", secrets)):
                    assert kind not in source or source[kind]["name"] in there
    (asked,) = of_kind("TriggerAuthentication")["retake-scale"]["spec"]["secretTargetRef"]
    assert asked["key"] in secrets[asked["name"]]["stringData"]


@pytest.mark.parametrize("name", SCALED)
def test_keda_counts_what_waits_and_what_is_worked_on(name: str, postgres: PostgresServer) -> None:
    scaled = SCALED[name]["spec"]
    assert scaled["scaleTargetRef"]["name"] in DEPLOYMENTS
    (trigger,) = scaled["triggers"]
    engine = name.rpartition("-")[2]
    url = postgres.fresh()
    with closing(open_postgres(url)) as database:
        store = Store(database, lambda: 1000.0, 60)
        for n, made_by in enumerate([engine] * 5 + ["other"]):
            new = NewRequest(f"r{n}", "key", "m", made_by, {}, "url:x", 1)
            asyncio.run(store.insert(new))
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("update requests set status = 'processing' where request_id = 'r0'")
        db.execute("update requests set status = 'cancelled' where request_id = 'r1'")
        role = f"scale_{url.rpartition('/')[2]}"
        script = (DEPLOY / "kubernetes/scale.sql").read_text()
        script = script.replace(":password", "'x'").replace("retake_scale", role)
        db.execute(re.sub(r"--.*", "", script).encode())
        db.execute(f"set role {role}".encode())
        assert db.execute(trigger["metadata"]["query"].encode()).fetchall() == [(4,)]
        # It may count, and read nothing of anybody's.
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            db.execute("select payload from requests")
        db.execute("reset role")
        db.execute(f"drop owned by {role}".encode())
        db.execute(f"drop role {role}".encode())
    assert int(trigger["metadata"]["targetQueryValue"]) > 0


def test_kubectl_puts_it_together() -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    made = subprocess.run(
        ["kubectl", "kustomize", str(DEPLOY / "kubernetes")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    assert "image: retake\n" not in made.stdout
