/** What the service takes: the same figures as `edgetrain/limits.py` (a test compares them). */
export const PICTURE_BYTES = 4_500_000;
export const PICTURE_SIDE = 4_096;
/** What the service scales a picture to before its model sees it. */
export const DETECTION_SIDE = 1_024;
export const MAX_DETECTIONS = 100;
export const NAME_CHARACTERS = 255;

/** A file above this is not even decoded: it would cost a phone its memory. */
export const FILE_BYTES = 80_000_000;
/** The lowest score that is asked for; the slider only hides what lies between it and the slider. */
export const LOWEST_SCORE = 0.2;
/** An endpoint that costs nothing while nobody asks has to wake up: after so long the page says so. */
export const PATIENCE_MILLISECONDS = 4_000;
/** API Gateway gives up at 30 s; what takes longer is lost on the way. */
export const REQUEST_MILLISECONDS = 40_000;
