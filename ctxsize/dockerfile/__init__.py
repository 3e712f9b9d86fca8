"""What a Dockerfile needs from the build context, and where that lands in the image.

Pure text and paths: nothing here talks to an engine. ``parse`` reads the file, ``resolve`` works out
variables, stages and destinations for one target, ``sources`` and ``mapping`` answer from that.
"""
