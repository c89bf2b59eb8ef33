package cos.emu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;
import static org.junit.platform.testkit.engine.EventConditions.event;
import static org.junit.platform.testkit.engine.EventConditions.finishedWithFailure;
import static org.junit.platform.testkit.engine.EventConditions.test;
import static org.junit.platform.testkit.engine.TestExecutionResultConditions.message;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.platform.testkit.engine.EngineTestKit;
import org.junit.platform.testkit.engine.Events;

/** What the extension makes of tests, which are the classes in this one. */
class ExtensionTest {
    private static final String BUSY = """
            {"version": 1, "name": "busy", "rules": [
              {"id": "busy", "when": {"op": "PutObject"}, "do": {"error": {"code": "SlowDown", "status": 503}}}]}""";

    /** What the tests within saw. */
    private static final List<World> WORLDS = new ArrayList<>();
    private static final List<CosEmuServer> SERVERS = new ArrayList<>();

    private static Events run(Class<?>... classes) {
        WORLDS.clear();
        SERVERS.clear();
        EngineTestKit.Builder run = EngineTestKit.engine("junit-jupiter");
        for (Class<?> one : classes) {
            run.selectors(selectClass(one));
        }
        return run.execute().testEvents();
    }

    @Test
    void eachTestHasAWorldOfItsOwnOnOneServerOfTheRun() {
        run(OfTwo.class, OfOne.class).assertStatistics(statistics -> statistics.started(3).succeeded(3));

        assertEquals(3, WORLDS.stream().map(World::id).distinct().count());
        assertEquals(1, SERVERS.stream().distinct().count());
    }

    @CosEmu
    static class OfTwo {
        @BeforeEach
        void seen(World world, CosEmuServer server) {
            WORLDS.add(world);
            SERVERS.add(server);
        }

        @Test
        void first(World world) {
            assertEquals(200, Plain.put(world, "key", "content"));
            assertEquals(1, world.journal().size());
        }

        @Test
        void second(World world) {
            assertEquals(WORLDS.get(WORLDS.size() - 1), world);
            assertTrue(world.journal().isEmpty());
        }
    }

    @CosEmu
    static class OfOne {
        @Test
        void third(World world, CosEmuServer server) {
            WORLDS.add(world);
            SERVERS.add(server);
            assertEquals("no faults", world.name());
            assertEquals(1, WORLDS.stream().filter(one -> server.client().worlds().stream().anyMatch(
                    there -> there.id().equals(one.id()))).count(), "the worlds of the tests before are gone");
        }
    }

    @Test
    void theServerEndsWithTheRun() {
        run(OfOne.class);

        assertFalse(SERVERS.get(0).client().ready());
    }

    @Test
    void aVerdictThatDoesNotHoldFailsTheTestWhereItIsAskedFor() {
        Events tests = run(Judged.class);

        tests.assertStatistics(statistics -> statistics.started(4).succeeded(3).failed(1));
        tests.assertThatEvents().haveExactly(1, event(
                test("doesNothing"),
                finishedWithFailure(message(text -> text.contains("did not cope") && text.contains("rules/busy")))));
    }

    @CosEmu(scenario = BUSY, verdict = true)
    static class Judged {
        @Test
        void meetsTheFault(World world) {
            assertEquals(503, Plain.put(world, "key", "content"));
        }

        @Test
        void doesNothing() {}

        @Test
        @CosEmu(scenario = BUSY)
        void doesNothingAndIsNotAsked() {}

        @Nested
        class Within {
            @Test
            void meetsTheFaultToo(World world) {
                assertEquals(503, Plain.put(world, "key", "content"));
            }
        }
    }

    @Test
    void aScenarioMayBeAShippedOneOrAFile() {
        run(Named.class).assertStatistics(statistics -> statistics.started(3).succeeded(2).failed(1));
    }

    static class Named {
        @Test
        @CosEmu(scenario = "slow-down")
        void shipped(World world) {
            assertEquals("slow-down", world.name());
        }

        @Test
        @CosEmu(scenario = "src/test/resources/busy.json")
        void ofAFile(World world) {
            assertEquals(503, Plain.put(world, "key", "content"));
        }

        @Test
        @CosEmu(scenario = "tulip")
        void ofNothing() {}
    }

    @Test
    void anotherClassMayStartTheServer() {
        run(OfOne.class, Elsewhere.class).assertStatistics(statistics -> statistics.started(2).succeeded(2));

        assertNotEquals(SERVERS.get(0), SERVERS.get(1));
    }

    @CosEmu(server = Seeded.class)
    static class Elsewhere {
        @Test
        void sees(World world, CosEmuServer server) {
            SERVERS.add(server);
            assertEquals("0x5eed", world.seed());
        }
    }

    static class Seeded implements Supplier<CosEmuServer> {
        @Override
        public CosEmuServer get() {
            return CosEmuProcess.start(new ServerOptions().seed("0x5eed"));
        }
    }

    @Test
    void atTheClassThereIsNoWorld() {
        run(TooEarly.class).assertStatistics(statistics -> statistics.started(0));
    }

    @CosEmu
    static class TooEarly {
        @BeforeAll
        static void wants(World world) {}

        @Test
        void never() {}
    }
}
