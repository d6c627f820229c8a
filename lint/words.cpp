#include "lint/script.hpp"

#include <algorithm>

namespace railhead {
namespace {

constexpr std::string_view blanks = " \t\r";
constexpr std::string_view operators = "|&;()";

class Splitter {
  public:
    explicit Splitter(std::string_view text) : text_(text) {}

    std::vector<std::string> split() {
        while (at_ < text_.size()) {
            char c = text_[at_];
            if (blanks.find(c) != blanks.npos || c == '\n')
                end_word(), ++at_;
            else if (operators.find(c) != operators.npos)
                take_operator();
            else
                take(c);
        }
        end_word();
        return std::move(words_);
    }

  private:
    void end_word() {
        if (begun_) words_.push_back(std::move(word_));
        word_.clear();
        begun_ = false;
    }
    void take_operator() {
        // ">&2" and "&>log" are redirections, and no "&" of a background command.
        bool redirects = text_[at_] == '&' &&
                         ((at_ > 0 && text_[at_ - 1] == '>') || text_.substr(at_ + 1).starts_with('>'));
        if (redirects) return take('&');
        end_word();
        bool twice =
            at_ + 1 < text_.size() && text_[at_ + 1] == text_[at_] && text_[at_] != '(' && text_[at_] != ')';
        words_.emplace_back(text_.substr(at_, twice ? 2 : 1));
        at_ += twice ? 2 : 1;
    }
    void take(char c) {
        begun_ = true;
        if (c == '\'' || c == '"')
            quoted(c);
        else if (c == '\\')
            word_ += text_.substr(std::min(at_ + 1, text_.size()), 1), at_ += 2;
        else if (text_.substr(at_).starts_with("$("))
            substitution();
        else
            word_ += c, ++at_;
    }
    /// To the closing quote, or to the end.
    void quoted(char quote) {
        for (++at_; at_ < text_.size() && text_[at_] != quote; ++at_) {
            if (quote == '"' && text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
            word_ += text_[at_];
        }
        ++at_;
    }
    /// "$(...)" stays as it is, whatever is in it.
    void substitution() {
        int depth = 0;
        for (; at_ < text_.size(); ++at_) {
            word_ += text_[at_];
            if (text_[at_] == '(') ++depth;
            if (text_[at_] == ')' && --depth == 0) break;
        }
        ++at_;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::string word_;
    bool begun_ = false;
    std::vector<std::string> words_;
};

} // namespace

std::vector<std::string> shell_words(std::string_view text) {
    return Splitter(text).split();
}

} // namespace railhead
