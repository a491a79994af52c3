"""What the matrix promises and does not hold yet: each row with the reason.

A row listed here has to fail; one that holds has to be taken off the list.
"""

NOT_YET: dict[str, str] = {
    "h264 fragmented mp4": "fragmented files are encoded anew, and their sound then sounds late",
    "vp9 without alt-ref webm": "the end of the sound is not trimmed any more",
    "mpeg4 mp3 avi": "the sound comes 1105 samples late",
    "h264 two descriptions mp4": "the sound is encoded anew along with the pictures",
    "flac mkv": "decoding times differ with a section at the start",
    "vorbis mkv": "the sound becomes AAC, not Opus",
}
