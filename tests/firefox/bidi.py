"""As much of WebDriver BiDi as a walk through the site needs: Firefox, one tab, and what it complains about."""

import contextlib
import json
import re
import shutil
import subprocess
import tempfile

import websocket

KEYS = {"ArrowRight": "\ue014", "ArrowLeft": "\ue012", "Space": " ", "Tab": "\ue004"}
ABORTED = 0x804B0002  # NS_BINDING_ABORTED, as a number


class Failed(Exception):
    """The browser refused a command, or a script on the page raised."""


class Tab:
    """One tab of Firefox. `problems` collects errors of scripts, and requests that failed or left the machine."""

    def __init__(self, socket):
        self._socket, self._number, self.problems = socket, 0, []
        self.ask("session.new", capabilities={})
        self._tab = self.ask("browsingContext.getTree")["contexts"][0]["context"]
        events = ["log.entryAdded", "network.beforeRequestSent", "network.responseCompleted", "network.fetchError"]
        self.ask("session.subscribe", events=events)

    def ask(self, method, **params):
        """Send a command and return its result; events that come in between are noted."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv())
            if message.get("id") == self._number:
                if message["type"] == "error":
                    raise Failed(f"{method}: {message['message']}")
                return message["result"]
            self._note(message)

    def _note(self, message):
        event, said = message.get("method"), message.get("params", {})
        if event == "log.entryAdded" and said["level"] == "error":
            if said["text"].startswith("Invalid markup: Incorrect number of children"):
                return  # of a formula that MathJax has begun: looked at when it is finished
            if f"status={ABORTED}" in said["text"]:
                return  # a font of the page that was just left
            self.problems.append(f"script: {said['text']}")
        elif event == "network.fetchError":
            if said["errorText"] == "NS_BINDING_ABORTED":
                return  # taken back by Firefox itself: the next page is asked for, or another process goes on
            self.problems.append(f"failed: {said['request']['url']} ({said['errorText']})")
        elif event == "network.responseCompleted" and said["response"]["status"] >= 400:
            self.problems.append(f"{said['response']['status']}: {said['request']['url']}")
        elif event == "network.beforeRequestSent":
            address = said["request"]["url"]
            if address.startswith("http") and not re.match(r"https?://(127\.0\.0\.1|localhost)[:/]", address):
                self.problems.append(f"asks another host: {address}")

    def open(self, address):
        """Load a page, and forget what the last one complained about."""
        self.problems.clear()
        self.ask("browsingContext.navigate", context=self._tab, url=address, wait="complete")

    def resize(self, width, height):
        self.ask("browsingContext.setViewport", context=self._tab, viewport={"width": width, "height": height})

    def run(self, expression):
        """Return the value of an expression on the page, which may be a promise, through JSON."""
        whole = f"(async () => JSON.stringify(await ({expression})) ?? 'null')()"
        target = {"context": self._tab}
        found = self.ask("script.evaluate", expression=whole, target=target, awaitPromise=True)
        if found["type"] == "exception":
            raise Failed(found["exceptionDetails"]["text"])
        return json.loads(found["result"]["value"])

    def press(self, key):
        actions = [{"type": kind, "value": KEYS[key]} for kind in ("keyDown", "keyUp")]
        self.ask("input.performActions", context=self._tab, actions=[{"type": "key", "id": "keys", "actions": actions}])


@contextlib.contextmanager
def firefox():
    """Start Firefox with a fresh profile and no window; yields its tab."""
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    if program is None:
        raise FileNotFoundError("make firefox needs Firefox on the path: firefox-esr or firefox")
    with tempfile.TemporaryDirectory() as profile:
        command = [program, "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0"]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        try:
            for line in process.stderr:
                if found := re.search(r"WebDriver BiDi listening on (ws://\S+)", line):
                    break
            else:
                raise Failed("Firefox ended before it listened")
            socket = websocket.create_connection(f"{found[1]}/session", timeout=60, suppress_origin=True)
            yield Tab(socket)
            socket.close()
        finally:
            process.terminate()
            process.wait(20)
