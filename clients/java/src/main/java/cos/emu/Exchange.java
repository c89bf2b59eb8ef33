package cos.emu;

import com.fasterxml.jackson.annotation.JacksonInject;
import com.fasterxml.jackson.annotation.OptBoolean;
import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.util.List;

/**
 * An entry of the journal: a request and what became of it.
 *
 * @param n the number of the entry, from 1
 * @param service {@code cos} or {@code cas}
 * @param op the operation, such as {@code UploadPart}; null when the request is none
 * @param method the method
 * @param host the host that the request names
 * @param path the path as sent
 * @param query the query as sent, without the question mark; empty when there is none
 * @param bucket the bucket; null when the request names none
 * @param key the key; null when the request names none
 * @param upload the upload id; null when the request names none
 * @param part the part number; null when the request names none
 * @param range {@code Range} or {@code Content-Range} as sent; null when there is none
 * @param client the access key id; null when the request is not signed
 * @param attempt the how-manieth attempt of the same request this is, from 1
 * @param received what arrived of the body
 * @param rules the rules that matched
 * @param actions the actions that took effect, in order
 * @param applied whether the store was changed as the request asked
 * @param answer what was answered; null when nothing was
 * @param ended how it ended, such as {@code keep-alive}, {@code close} or {@code reset}; null while it goes on
 * @param raw the whole entry, with what has no place above: times, headers, vaults, archives, jobs, notes
 */
public record Exchange(
        long n, String service, String op, String method, String host, String path, String query, String bucket, String key,
        String upload, Long part, String range, String client, int attempt, Received received, List<Rule> rules,
        List<Action> actions, boolean applied, Answer answer, String ended,
        @JacksonInject(value = "raw", useInput = OptBoolean.FALSE) JsonNode raw) {

    /** When the head of the request was complete, by the clock of the world. */
    public Instant at() {
        return Instant.parse(raw.required("at").textValue());
    }

    /**
     * What arrived of a body.
     *
     * @param declared the length that was declared, in bytes; null when none was
     * @param bytes how many bytes came
     * @param sha256 their SHA-256, in hex; null when there are none
     */
    public record Received(Long declared, long bytes, String sha256) {}

    /**
     * What a rule that matched did.
     *
     * @param id the id of the rule
     * @param outcome {@code fired}, {@code not-due}, {@code shadowed}, {@code not-reached}, {@code refused}, or {@code no-match}
     *     for the nearest rule that did not match
     */
    public record Rule(String id, String outcome) {}

    /**
     * An action that took effect.
     *
     * @param action its name, such as {@code reset}
     * @param at the moment, such as {@code upload}; null for actions that have none
     * @param offset the byte of the body at which it happened; null for actions that have none
     * @param effect what it did, in words
     */
    public record Action(String action, String at, Long offset, String effect) {}

    /**
     * What was answered.
     *
     * @param status the status
     * @param code the error code, such as {@code NoSuchKey}; null when it is no error
     * @param bytes how many bytes of the body were sent
     */
    public record Answer(int status, String code, long bytes) {}
}
