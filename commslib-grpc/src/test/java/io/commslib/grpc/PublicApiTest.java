package io.commslib.grpc;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.properties.CanBeAnnotated;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import io.grpc.Internal;
import io.grpc.InternalMetadata;
import io.grpc.Metadata;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The module uses what grpc-java offers to users, and publishes no generated code. */
class PublicApiTest {

  private static final DescribedPredicate<JavaClass> INTERNAL =
      DescribedPredicate.describe(
          "is internal to grpc-java",
          used ->
              used.isAnnotatedWith(Internal.class)
                  || used.getPackageName().startsWith("io.grpc.internal")
                  || used.getPackageName().startsWith("io.grpc.netty")
                  || used.getPackageName().startsWith("com.google.common"));

  private static final ArchRule NO_INTERNAL_TYPE =
      noClasses().should().dependOnClassesThat(INTERNAL);

  private static final ArchRule NO_INTERNAL_MEMBER =
      noClasses()
          .should()
          .accessTargetWhere(
              DescribedPredicate.describe(
                  "the member is internal to grpc-java",
                  (JavaAccess<?> access) ->
                      access
                          .getTarget()
                          .resolveMember()
                          .map(
                              member ->
                                  CanBeAnnotated.Predicates.annotatedWith(Internal.class)
                                      .test(member))
                          .orElse(false)));

  @Test
  void nothingInternalToGrpcIsUsed() {
    JavaClasses main =
        new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("io.commslib.grpc");
    assertThat(main).isNotEmpty();
    NO_INTERNAL_TYPE.check(main);
    NO_INTERNAL_MEMBER.check(main);
  }

  /** Uses what is forbidden, so that the rule is seen to fail. */
  private static final class Forbidden {
    byte[][] bytes() {
      return InternalMetadata.serialize(new Metadata());
    }
  }

  @Test
  void theRuleFindsWhatIsInternal() {
    assertThat(new Forbidden().bytes()).isEmpty();
    JavaClasses forbidden = new ClassFileImporter().importClasses(Forbidden.class);
    assertThatThrownBy(() -> NO_INTERNAL_TYPE.check(forbidden)).isInstanceOf(AssertionError.class);
  }

  @Test
  void theJarHasNoGeneratedCode() throws IOException {
    try (Stream<Path> classes = Files.walk(Path.of("target/classes"))) {
      assertThat(classes.filter(path -> path.toString().contains("/proto/"))).isEmpty();
    }
  }
}
