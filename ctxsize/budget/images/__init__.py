"""What limits on an image need: what is in it, and what another one has that growth is measured from."""
