"""Builders on Kubernetes, with a stand-in for kubectl."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ctxsize.engine.endpoints import kubernetes
from ctxsize.engine.endpoints.kubernetes import Pod
from ctxsize.engine.endpoints.reach import reach
from ctxsize.engine.endpoints.store import Instance, Node
from ctxsize.errors import EngineError
from tests.engine.endpoints.test_remote import answers

NODE = Node(
    "team_a0", "kubernetes:///team_a?deployment=team_a0&kubeconfig=%2Fk%2Fconfig", {"namespace": "ci"}
)
TEAM = Instance("team_a", "kubernetes", (NODE,))


def a_pod(name: str, phase: str = "Running", **more: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name, **more.get("metadata", {})},
        "spec": {"containers": [{"name": "buildkitd"}, {"name": "other"}]},
        "status": {"phase": phase, "containerStatuses": [{"ready": more.get("ready", True)}]},
    }


def answering(*pods: Any) -> str:
    """A kubectl that knows these pods of a deployment."""
    found = json.dumps({"items": list(pods)})
    return f"""case "$*" in *"get pods"*) cat <<'END'
{found}
END
;; *"get deployment"*) echo {{}} ;; *) exit 9 ;; esac"""


def test_the_first_pod_that_is_ready_is_taken(kubectl: Callable[[str], Path]) -> None:
    leaving = a_pod("a", metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"})
    log = kubectl(
        answering(a_pod("c"), a_pod("b"), leaving, a_pod("a1", "Pending"), a_pod("a2", ready=False))
    )

    assert kubernetes.pods(NODE) == [Pod("b", "buildkitd"), Pod("c", "buildkitd")]
    assert reach(TEAM, NODE).address == "pod b"
    assert log.read_text().splitlines()[0] == "--namespace=ci get pods --selector app=team-a0 --output json"


def test_a_deployment_without_a_pod_is_stopped(kubectl: Callable[[str], Path]) -> None:
    kubectl(answering())
    with pytest.raises(EngineError) as caught:
        reach(TEAM, NODE)

    assert str(caught.value).startswith(
        "the builder team_a is stopped: no pod of its deployment team-a0 runs"
    )


def test_a_deployment_that_is_gone_is_told_in_kubectls_words(kubectl: Callable[[str], Path]) -> None:
    kubectl("""case "$*" in *"get pods"*) echo '{"items": []}' ;;
*) echo 'Error from server (NotFound): deployments.apps "team-a0" not found' >&2; exit 1 ;; esac""")
    with pytest.raises(EngineError, match=r'deployments.apps "team-a0" not found'):
        reach(TEAM, NODE)


@pytest.mark.parametrize("said", ["", "[", "[]", '{"items": 7}', '{"items": [{"status": {}}]}'])
def test_an_answer_that_makes_no_sense_is_an_error(kubectl: Callable[[str], Path], said: str) -> None:
    kubectl(f"echo '{said}'")
    with pytest.raises(EngineError, match=r"kubectl's (answer|list)"):
        kubernetes.pods(NODE)


@pytest.mark.docker
def test_a_pod_is_reached_with_the_configuration_of_its_builder(
    engine_socket: str, kubectl: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGINE_SOCKET", engine_socket)
    shim = Path("tests/support/dial_stdio.py").resolve()
    log = kubectl(f"echo $KUBECONFIG >>{{}}; exec {shim} dial-stdio".replace("{}", '"$0".config'))

    assert answers(kubernetes.dial(NODE, Pod("b-0", "buildkitd")))
    words = "--namespace=ci exec --stdin --container buildkitd b-0 -- buildctl dial-stdio"
    assert log.read_text().splitlines() == [words]
    assert (log.parent / "kubectl.config").read_text() == "/k/config\n"
