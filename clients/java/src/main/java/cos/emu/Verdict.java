package cos.emu;

import java.util.List;
import java.util.stream.Collectors;

/**
 * Whether the client coped: each fault happened as often as it has to, and the client did what a correct one does.
 *
 * @param scenario the name of the scenario
 * @param seed the seed, with which everything happens again
 * @param holds whether no case failed
 * @param exchanges how many exchanges were judged
 * @param dropped how many exchanges the journal had to drop before
 * @param cases what was looked at
 */
public record Verdict(String scenario, String seed, boolean holds, long exchanges, long dropped, List<Case> cases) {
    /** Keeps a copy of the cases. */
    public Verdict {
        cases = List.copyOf(cases);
    }

    /** The cases that failed. */
    public List<Case> failures() {
        return cases.stream().filter(one -> one.outcome == Outcome.FAILED).toList();
    }

    /**
     * Passes when the verdict holds.
     *
     * @throws AssertionError with {@link #text()}
     */
    public void assertHolds() {
        if (!holds) {
            throw new AssertionError(text());
        }
    }

    /** The verdict for people: a line that sums it up, and below it each case that failed with its reasons. */
    public String text() {
        List<Case> failures = failures();
        long judged = cases.stream().filter(one -> one.outcome != Outcome.SKIPPED).count();
        String checks = holds ? judged + " checks passed" : failures.size() + " of " + judged + " checks failed";
        return "verdict: under \"%s\" the client %s: %s (%d exchanges, seed %s)%s".formatted(
                scenario, holds ? "coped" : "did not cope", checks, exchanges, seed,
                failures.stream().map(one -> "\n  " + one).collect(Collectors.joining()));
    }

    @Override
    public String toString() {
        return text();
    }

    /**
     * One thing that was looked at.
     *
     * @param name its name, such as {@code rules/reset-in-part} or {@code V04}
     * @param title what holds when it passes
     * @param outcome what came of it
     * @param reasons why it failed or was skipped; empty when it passed
     */
    public record Case(String name, String title, Outcome outcome, List<String> reasons) {
        /** Keeps a copy of the reasons. */
        public Case {
            reasons = reasons == null ? List.of() : List.copyOf(reasons);
        }

        @Override
        public String toString() {
            return name + " (" + title + "): " + String.join("; ", reasons);
        }
    }

    /** What came of a case. */
    public enum Outcome {
        /** It holds. */
        PASSED,
        /** It does not hold. */
        FAILED,
        /** It could not be judged, or was switched off. */
        SKIPPED
    }
}
