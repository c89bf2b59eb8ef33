package cos.emu;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.InjectableValues;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** The documents of the control API. */
final class Json {
    // What a newer server says beyond the records is no error.
    private static final JsonMapper MAPPER = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .enable(MapperFeature.ACCEPT_CASE_INSENSITIVE_ENUMS)
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .build();

    private Json() {}

    static <T> T read(String text, Class<T> type) {
        try {
            return MAPPER.readValue(text, type);
        } catch (JsonProcessingException error) {
            throw new CosEmuException("the answer is not as expected: " + text, error);
        }
    }

    static Exchange exchange(JsonNode raw) {
        InjectableValues itself = new InjectableValues.Std().addValue("raw", raw);
        try {
            return MAPPER.readerFor(Exchange.class).with(itself).treeToValue(raw, Exchange.class);
        } catch (JsonProcessingException error) {
            throw new CosEmuException("the entry of the journal is not as expected: " + raw, error);
        }
    }

    static ObjectNode object() {
        return MAPPER.createObjectNode();
    }
}
