package io.commslib.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectMethod;

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

/** A contract that nothing breaks proves nothing: every sentence must fail for its saboteurs. */
class SaboteurTest {

  private record Pair(Method sentence, Saboteur saboteur) {}

  @Test
  void everySentenceFailsForEachOfItsSaboteurs() throws Exception {
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
  void everySaboteurHasASentence() {
    Set<Saboteur> used =
        pairs()
            .map(Pair::saboteur)
            .collect(Collectors.toCollection(() -> EnumSet.noneOf(Saboteur.class)));
    assertThat(used).containsExactlyInAnyOrder(Saboteur.values());
  }

  @Test
  void aHealthySentenceIsNotFailedByTheRunner() throws Exception {
    Method sentence =
        sentences().filter(m -> m.getName().equals("drainTellsTheTruth")).findAny().orElseThrow();
    assertThat(survivor(new Pair(sentence, Saboteur.MISNAMES_RECEIPTS))).isNotEmpty();
  }

  @Test
  void theDocsListTheContractAsItIs() throws IOException {
    Path page = Path.of("..", "docs", "contract.md");
    List<String> expected =
        sentences()
            .map(sentence -> "| " + title(sentence) + " | " + saboteurNames(sentence) + " |")
            .toList();
    List<String> listed =
        Files.readAllLines(page).stream()
            .filter(line -> line.startsWith("|"))
            .filter(line -> !line.startsWith("| sentence") && !line.startsWith("|---"))
            .toList();
    assertThat(listed).isEqualTo(expected);
  }

  private static String saboteurNames(Method sentence) {
    return saboteurs(sentence)
        .map(saboteur -> "`" + saboteur + "`")
        .collect(Collectors.joining(", "));
  }

  /** Empty if the sentence fails as it must, else what happened instead. */
  /** Some saboteurs race with the sentence, on a busy machine: one of three runs must show them. */
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
            .selectors(selectMethod(SabotagedContract.class, pair.sentence()))
            .configurationParameter(SabotagedContract.SABOTEUR, pair.saboteur().name())
            .build();
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
    return failed ? "" : pair.sentence().getName() + " with " + pair.saboteur() + ": " + results;
  }

  private static Stream<Pair> pairs() {
    return sentences()
        .flatMap(sentence -> saboteurs(sentence).map(saboteur -> new Pair(sentence, saboteur)));
  }

  /** All sentences, family by family, in a stable order. */
  private static Stream<Method> sentences() {
    List<Class<?>> families = new ArrayList<>();
    for (Class<?> type = MessageTransportContract.class;
        type != ContractFixture.class;
        type = type.getSuperclass()) {
      families.add(0, type);
    }
    return families.stream()
        .flatMap(
            family ->
                Arrays.stream(family.getDeclaredMethods())
                    .filter(method -> method.isAnnotationPresent(Test.class))
                    .sorted(Comparator.comparing(SaboteurTest::title)));
  }

  private static String title(Method sentence) {
    return sentence.getAnnotation(DisplayName.class).value();
  }

  private static Stream<Saboteur> saboteurs(Method sentence) {
    BrokenBy brokenBy = sentence.getAnnotation(BrokenBy.class);
    assertThat(brokenBy).as("saboteurs of %s", sentence.getName()).isNotNull();
    return Arrays.stream(brokenBy.value());
  }
}
