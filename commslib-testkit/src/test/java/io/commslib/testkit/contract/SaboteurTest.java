package io.commslib.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectNestedMethod;

import io.commslib.testkit.sabotage.Saboteur;
import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/** A contract that nothing breaks proves nothing: every rule must fail for its saboteurs. */
class SaboteurTest {

  /** The chapters in the order of the docs. */
  private static final List<Class<?>> CHAPTERS =
      List.of(
          MessageTransportContract.Publishing.class,
          MessageTransportContract.RoundTrips.class,
          MessageTransportContract.Ordering.class,
          MessageTransportContract.Groups.class,
          MessageTransportContract.Settlements.class,
          MessageTransportContract.Failures.class,
          MessageTransportContract.DeadLetters.class,
          MessageTransportContract.Redriving.class,
          MessageTransportContract.Transactions.class,
          MessageTransportContract.Batches.class,
          MessageTransportContract.BlockedKeys.class,
          MessageTransportContract.Lifecycle.class,
          MessageTransportContract.VerifyOnly.class);

  private record Pair(Method rule, Saboteur saboteur) {}

  @Test
  void everyRuleFailsForEachOfItsSaboteurs() throws Exception {
    ExecutorService runners = Executors.newFixedThreadPool(6);
    try {
      List<Future<String>> verdicts = new ArrayList<>();
      for (Pair pair : pairs().toList()) {
        verdicts.add(runners.submit(() -> survivor(pair)));
      }
      List<String> survivors = new ArrayList<>();
      for (Future<String> verdict : verdicts) {
        survivors.add(verdict.get());
      }
      survivors.removeIf(String::isEmpty);
      assertThat(survivors).isEmpty();
    } finally {
      runners.shutdownNow();
    }
  }

  @Test
  void everyChapterIsListedHere() {
    assertThat(MessageTransportContract.class.getDeclaredClasses())
        .containsExactlyInAnyOrderElementsOf(CHAPTERS);
  }

  @Test
  void everySaboteurHasARule() {
    Set<Saboteur> used =
        pairs()
            .map(Pair::saboteur)
            .collect(Collectors.toCollection(() -> EnumSet.noneOf(Saboteur.class)));
    assertThat(used).containsExactlyInAnyOrder(Saboteur.values());
  }

  @Test
  void aHealthyRuleIsNotFailedByTheRunner() throws Exception {
    Method rule =
        rules()
            .filter(m -> m.getName().equals("drainReportsWhetherItFinished"))
            .findAny()
            .orElseThrow();
    assertThat(survivor(new Pair(rule, Saboteur.MISNAMES_RECEIPTS))).isNotEmpty();
  }

  @Test
  void theDocsListTheContractAsItIs() throws IOException {
    Path page = Path.of("..", "docs", "contract.md");
    List<String> expected =
        rules().map(rule -> "| " + title(rule) + " | " + saboteurNames(rule) + " |").toList();
    List<String> listed =
        Files.readAllLines(page).stream()
            .filter(line -> line.startsWith("|"))
            .filter(line -> !line.matches("(?i)\\| (sentence|rule) .*") && !line.startsWith("|---"))
            .toList();
    assertThat(listed).isEqualTo(expected);
  }

  private static String saboteurNames(Method rule) {
    return saboteurs(rule).map(saboteur -> "`" + saboteur + "`").collect(Collectors.joining(", "));
  }

  /**
   * Returns an empty text if the rule fails as it must, else what happened instead. Some saboteurs
   * race with the rule on a busy machine: one of three runs must show them.
   */
  private static String survivor(Pair pair) {
    String survived = survivorOnce(pair);
    for (int run = 1; run < 3 && !survived.isEmpty(); run++) {
      survived = survivorOnce(pair);
    }
    return survived;
  }

  private static String survivorOnce(Pair pair) {
    LauncherDiscoveryRequest request =
        LauncherDiscoveryRequestBuilder.request()
            .selectors(
                selectNestedMethod(
                    List.of(SabotagedContract.class), chapter(pair.rule()), pair.rule()))
            .build();
    SabotagedContract.SABOTEUR.set(pair.saboteur());
    List<TestExecutionResult> results = new ArrayList<>();
    LauncherFactory.create()
        .execute(
            request,
            new TestExecutionListener() {
              @Override
              public void executionFinished(TestIdentifier test, TestExecutionResult result) {
                if (test.isTest()) {
                  results.add(result);
                }
              }
            });
    boolean failed =
        results.size() == 1
            && results.get(0).getThrowable().filter(AssertionError.class::isInstance).isPresent();
    return failed ? "" : pair.rule().getName() + " with " + pair.saboteur() + ": " + results;
  }

  private static Stream<Pair> pairs() {
    return rules().flatMap(rule -> saboteurs(rule).map(saboteur -> new Pair(rule, saboteur)));
  }

  /** All rules, chapter by chapter, in a stable order. */
  private static Stream<Method> rules() {
    return CHAPTERS.stream()
        .flatMap(
            chapter ->
                Arrays.stream(chapter.getSuperclass().getDeclaredMethods())
                    .filter(method -> method.isAnnotationPresent(Test.class))
                    .sorted(Comparator.comparing(SaboteurTest::title)));
  }

  private static Class<?> chapter(Method rule) {
    return CHAPTERS.stream()
        .filter(chapter -> chapter.getSuperclass() == rule.getDeclaringClass())
        .findAny()
        .orElseThrow();
  }

  private static String title(Method rule) {
    return rule.getAnnotation(DisplayName.class).value();
  }

  private static Stream<Saboteur> saboteurs(Method rule) {
    BrokenBy brokenBy = rule.getAnnotation(BrokenBy.class);
    assertThat(brokenBy).as("saboteurs of %s", rule.getName()).isNotNull();
    return Arrays.stream(brokenBy.value());
  }
}
