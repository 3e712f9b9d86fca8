"""What would make an image smaller, in words and as a changed Dockerfile, and the proof by a build."""
