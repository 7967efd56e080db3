"""How people and programs speak to a running server: a control socket, a way in for mail, and a page of metrics."""
