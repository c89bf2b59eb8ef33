package cos.emu;

import java.io.Serializable;
import java.util.List;

/** The server refused what was asked, and says why; the message holds all of it. */
public final class ProblemException extends CosEmuException {
    private static final long serialVersionUID = 1;

    private final Problem problem;

    ProblemException(String asked, Problem problem) {
        super(asked + " was refused: " + problem.text());
        this.problem = problem;
    }

    /** The status of the answer, such as 422 for a scenario that is not valid. */
    public int status() {
        return problem.status;
    }

    /** The status in words. */
    public String title() {
        return problem.title;
    }

    /** What is wrong, for people; of a scenario it shows the lines. */
    public String detail() {
        return problem.detail;
    }

    /** Each mistake in a scenario; empty for other problems. */
    public List<ScenarioError> errors() {
        return problem.errors;
    }

    /**
     * A mistake in a scenario.
     *
     * @param code the kind of the mistake, such as {@code E203}
     * @param line the line in the text, from 1
     * @param column the column in the line, from 1
     * @param path the member that is meant, such as {@code rules[0].do}; empty for the whole
     * @param message what is wrong
     * @param hint what may have been meant; null if nothing comes near
     */
    public record ScenarioError(String code, int line, int column, String path, String message, String hint)
            implements Serializable {
        @Override
        public String toString() {
            String place = path.isEmpty() ? "" : path + ": ";
            return line + ":" + column + ": " + code + ": " + place + message + (hint == null ? "" : "; " + hint);
        }
    }

    /** The document that tells it. */
    record Problem(int status, String title, String detail, List<ScenarioError> errors) implements Serializable {
        Problem {
            errors = errors == null ? List.of() : List.copyOf(errors);
        }

        private String text() {
            StringBuilder text = new StringBuilder(status + " " + title + ": " + detail);
            errors.forEach(error -> text.append("\n  ").append(error));
            return text.toString();
        }
    }
}
