package io.commslib.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.observe.CommsObserver;
import io.commslib.testkit.sabotage.Saboteur;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/**
 * Proves on an adapter's own harness that each rule of {@link MessageTransportContract} fails for
 * its saboteurs. Takes minutes.
 */
public abstract class SaboteurContract {

  private static final int RUNNERS = 6;

  /** Some saboteurs race with the rule on a busy machine: one of three runs must show them. */
  private static final int RUNS = 3;

  private static final Duration LIMIT = Duration.ofSeconds(5);

  /** Creates the contract; for subclasses. */
  protected SaboteurContract() {}

  /**
   * Makes a harness with a transport of its own. Called before each run, by several threads at the
   * same time; the contract closes it.
   *
   * @param observer the observer of the transport's subscriptions
   * @return new harness
   * @throws Exception to fail the test
   */
  protected abstract TransportHarness createHarness(CommsObserver observer) throws Exception;

  /**
   * Returns the rules that a saboteur of theirs does not break on this transport, for example
   * because the transport has the capability without which the rule expects a refusal.
   *
   * @return texts such as {@code unroutableToOptionalIsConfirmed with FORGETS_OPTIONAL}; none by
   *     default
   */
  protected Set<String> withoutEffect() {
    return Set.of();
  }

  @Test
  void everyRuleFailsForEachOfItsSaboteurs() throws Exception {
    Set<String> unaffected = new HashSet<>(withoutEffect());
    ExecutorService runners = Executors.newFixedThreadPool(RUNNERS);
    try {
      List<Future<String>> verdicts = new ArrayList<>();
      for (Class<?> chapter : MessageTransportContract.class.getDeclaredClasses()) {
        for (Method rule : chapter.getSuperclass().getDeclaredMethods()) {
          BrokenBy brokenBy = rule.getAnnotation(BrokenBy.class);
          for (Saboteur saboteur : brokenBy == null ? new Saboteur[0] : brokenBy.value()) {
            if (!unaffected.remove(name(rule, saboteur))) {
              verdicts.add(runners.submit(() -> survivor(chapter, rule, saboteur)));
            }
          }
        }
      }
      assertThat(unaffected).as("rules and saboteurs that do not exist").isEmpty();
      List<String> survivors = new ArrayList<>();
      for (Future<String> verdict : verdicts) {
        survivors.add(verdict.get());
      }
      assertThat(verdicts).hasSizeGreaterThan(100);
      survivors.removeIf(String::isEmpty);
      assertThat(survivors).isEmpty();
    } finally {
      runners.shutdownNow();
    }
  }

  /** Returns an empty text if the rule fails as it must, else what happened instead. */
  private String survivor(Class<?> chapter, Method rule, Saboteur saboteur) throws Exception {
    String outcome = "";
    for (int run = 0; run < RUNS; run++) {
      Throwable failure = failure(chapter, rule, saboteur);
      if (failure instanceof AssertionError) {
        return "";
      }
      outcome = String.valueOf(failure);
    }
    return name(rule, saboteur) + ": " + outcome;
  }

  private static String name(Method rule, Saboteur saboteur) {
    return rule.getName() + " with " + saboteur;
  }

  private Throwable failure(Class<?> chapter, Method rule, Saboteur saboteur) throws Exception {
    Constructor<?> constructor = chapter.getDeclaredConstructor(MessageTransportContract.class);
    constructor.setAccessible(true);
    rule.setAccessible(true);
    ContractFixture fixture = (ContractFixture) constructor.newInstance(new Sabotaged(saboteur));
    fixture.open();
    try {
      rule.invoke(fixture);
      fixture.ledgersBalanceAndEverythingCloses();
      return null;
    } catch (InvocationTargetException e) {
      closeAfter(fixture);
      return e.getCause();
    } catch (AssertionError e) {
      return e;
    }
  }

  /** The failure of the rule counts, not what follows from it. */
  private static void closeAfter(ContractFixture fixture) {
    try {
      fixture.ledgersBalanceAndEverythingCloses();
    } catch (AssertionError | RuntimeException e) {
      return;
    }
  }

  private final class Sabotaged extends MessageTransportContract {
    private final Saboteur saboteur;

    Sabotaged(Saboteur saboteur) {
      this.saboteur = saboteur;
    }

    @Override
    protected TransportHarness createHarness(CommsObserver observer) throws Exception {
      TransportHarness healthy = SaboteurContract.this.createHarness(saboteur.sabotage(observer));
      return new SabotagedHarness(healthy, saboteur.sabotage(healthy.transport()));
    }
  }

  private record SabotagedHarness(TransportHarness healthy, MessageTransport transport)
      implements TransportHarness {

    @Override
    public void publishForeign(Destination to, String key, byte[] body) throws Exception {
      healthy.publishForeign(to, key, body);
    }

    @Override
    public int maxMessageBytes() {
      return healthy.maxMessageBytes();
    }

    @Override
    public Duration limit() {
      return LIMIT;
    }

    @Override
    public Duration quiet() {
      return healthy.quiet();
    }

    @Override
    public void close() {
      healthy.close();
    }
  }
}
