package io.commslib.testkit.call;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * Proves that each rule of {@link CallTransportContract} fails for its saboteurs, on a {@link
 * ScriptedCallTransport} under virtual time.
 */
public abstract class CallSaboteurContract {

  private static final int LEAST_RULES = 40;

  /** Creates the contract; for subclasses. */
  protected CallSaboteurContract() {}

  /**
   * Makes a harness whose calls go through {@link CallSaboteur#sabotage(ScriptedCallTransport)}.
   * Called before each run; the contract closes it.
   *
   * @param saboteur breaks the transport
   * @return new harness
   */
  protected abstract CallHarness createHarness(CallSaboteur saboteur);

  @Test
  void everyRuleFailsForEachOfItsSaboteurs() throws Exception {
    Set<CallSaboteur> used = EnumSet.noneOf(CallSaboteur.class);
    List<String> survivors = new ArrayList<>();
    int rules = 0;
    for (Class<?> chapter : CallTransportContract.class.getDeclaredClasses()) {
      for (Method rule : chapter.getSuperclass().getDeclaredMethods()) {
        if (rule.isAnnotationPresent(Test.class)) {
          rules++;
          SabotagedBy saboteurs = rule.getAnnotation(SabotagedBy.class);
          assertThat(saboteurs).as("the saboteur of %s", rule.getName()).isNotNull();
          for (CallSaboteur saboteur : saboteurs.value()) {
            used.add(saboteur);
            Throwable failure = failure(chapter, rule, saboteur);
            if (!(failure instanceof AssertionError)) {
              survivors.add(rule.getName() + " with " + saboteur + ": " + failure);
            }
          }
        }
      }
    }
    assertThat(survivors).isEmpty();
    assertThat(rules).isGreaterThanOrEqualTo(LEAST_RULES);
    assertThat(used).containsExactly(CallSaboteur.values());
  }

  private Throwable failure(Class<?> chapter, Method rule, CallSaboteur saboteur) throws Exception {
    Constructor<?> constructor = chapter.getDeclaredConstructor(CallTransportContract.class);
    constructor.setAccessible(true);
    rule.setAccessible(true);
    CallFixture fixture = (CallFixture) constructor.newInstance(new Sabotaged(saboteur));
    fixture.open();
    try {
      rule.invoke(fixture);
      return null;
    } catch (InvocationTargetException e) {
      return e.getCause();
    } finally {
      fixture.everythingEnds();
    }
  }

  private final class Sabotaged extends CallTransportContract {
    private final CallSaboteur saboteur;

    Sabotaged(CallSaboteur saboteur) {
      this.saboteur = saboteur;
    }

    @Override
    protected CallHarness createHarness() {
      return saboteur.sabotage(CallSaboteurContract.this.createHarness(saboteur));
    }
  }
}
