package cos.emu;

/** Something went wrong with the server itself or on the way to it; the message says what was asked and what came. */
public class CosEmuException extends RuntimeException {
    private static final long serialVersionUID = 1;

    CosEmuException(String message) {
        super(message);
    }

    CosEmuException(String message, Throwable cause) {
        super(message, cause);
    }
}
