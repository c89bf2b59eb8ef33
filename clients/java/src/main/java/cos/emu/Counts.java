package cos.emu;

import java.util.List;
import java.util.stream.Stream;

/**
 * How often the rules of a world matched and fired.
 *
 * @param state the state that the service is in; null when the scenario has no states
 * @param rules the rules for requests, in their order
 * @param connections the rules for connections, in their order
 */
public record Counts(String state, List<Rule> rules, List<Rule> connections) {
    /** Keeps copies of the rules. */
    public Counts {
        rules = List.copyOf(rules);
        connections = List.copyOf(connections);
    }

    /**
     * The rule with this id, whether it is one for requests or for connections.
     *
     * @throws IllegalArgumentException when there is none
     */
    public Rule rule(String id) {
        return Stream.concat(rules.stream(), connections.stream())
                .filter(rule -> rule.id.equals(id))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("there is no rule \"" + id + "\" in " + this));
    }

    /**
     * What became of a rule.
     *
     * @param id its id
     * @param matches how many requests or connections it matched
     * @param firings how often its fault really happened
     * @param mustFire how often that has to be
     * @param fulfilled whether it was so often
     */
    public record Rule(String id, long matches, long firings, MustFire mustFire, boolean fulfilled) {}

    /**
     * How often a rule has to fire.
     *
     * @param min at least so often
     * @param max at most so often; null for no limit
     */
    public record MustFire(long min, Long max) {}
}
