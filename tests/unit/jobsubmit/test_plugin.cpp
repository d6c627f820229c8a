// The boundary as slurmctld calls it, with implementations behind it that throw.
#include "jobsubmit/plugin.hpp"

#include <gtest/gtest.h>

#include <cstdarg>
#include <new>
#include <stdexcept>
#include <string>

namespace {

enum class Throw { nothing, standard, memory, number };
Throw next = Throw::nothing;
std::string said;

int misbehave() {
    switch (next) {
    case Throw::standard:
        throw std::runtime_error("broken");
    case Throw::memory:
        throw std::bad_alloc();
    case Throw::number:
        throw 7;
    case Throw::nothing:
        break;
    }
    return 42;
}

} // namespace

namespace railhead::jobsubmit {
int start() {
    return misbehave();
}
int stop() {
    return misbehave();
}
int submit(job_desc_msg_t&, std::uint32_t, char**) {
    return misbehave();
}
int modify(job_desc_msg_t&, std::uint32_t, char**) {
    return misbehave();
}
} // namespace railhead::jobsubmit

extern "C" {
void slurm_error(const char* format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    said = text;
}

struct job_record;
extern const char plugin_name[], plugin_type[];
extern const std::uint32_t plugin_version;
int init(void);
int fini(void);
int job_submit(job_desc_msg_t*, std::uint32_t, char**);
#if RAILHEAD_MODIFY_HAS_MESSAGE
int job_modify(job_desc_msg_t*, job_record*, std::uint32_t, char**);
#else
int job_modify(job_desc_msg_t*, job_record*, std::uint32_t);
#endif
}

namespace {

job_desc_msg_t job{};

int call_submit() {
    char* message = nullptr;
    return job_submit(&job, 1000, &message);
}

int call_modify() {
#if RAILHEAD_MODIFY_HAS_MESSAGE
    char* message = nullptr;
    return job_modify(&job, nullptr, 1000, &message);
#else
    return job_modify(&job, nullptr, 1000);
#endif
}

struct Entry {
    const char* name;
    int (*call)();
};
const Entry entries[] = {{"init", [] { return init(); }},
                         {"fini", [] { return fini(); }},
                         {"job_submit", call_submit},
                         {"job_modify", call_modify}};

} // namespace

TEST(JobSubmitBoundary, forwards_the_verdict) {
    next = Throw::nothing;
    for (const auto& entry : entries) EXPECT_EQ(entry.call(), 42) << entry.name;
}

TEST(JobSubmitBoundary, turns_every_exception_into_an_accepted_job_and_a_line_in_the_log) {
    const std::pair<Throw, const char*> kinds[] = {{Throw::standard, "broken"},
                                                   {Throw::memory, "std::bad_alloc"},
                                                   {Throw::number, "an exception that is no std::exception"}};
    for (const auto& entry : entries)
        for (auto [kind, text] : kinds) {
            next = kind;
            EXPECT_EQ(entry.call(), SLURM_SUCCESS) << entry.name;
            EXPECT_EQ(said, std::string("job_submit/railhead: ") + entry.name + ": " + text +
                                "; the job is accepted unchecked");
        }
}

TEST(JobSubmitBoundary, names_itself_as_slurm_expects) {
    EXPECT_STREQ(plugin_type, "job_submit/railhead");
    EXPECT_EQ(plugin_version, static_cast<std::uint32_t>(SLURM_VERSION_NUMBER))
        << "slurmctld compares to the micro";
    EXPECT_NE(plugin_name[0], '\0');
}
